"""What each database role may do: one table of tables, and nothing beyond it.

The model worker has no role, as it has no database. Whoever owns the tables may do everything and serves
migrations and operators alone. Like migrations, grants expand first and contract a release later: the ones
of a new release are in force while the old one still runs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from sqlalchemy.orm import InstrumentedAttribute

from modelpick_shared.db.base import Base
from modelpick_shared.db.customers import (
    Draft,
    DraftImage,
    ImageDeletion,
    RequestCount,
    SignInToken,
    User,
    UserSession,
)
from modelpick_shared.db.messaging import Email, EmailEvent, OutboxMessage
from modelpick_shared.db.payments import Dispute, Order, Reconciliation, Refund, StripeEvent
from modelpick_shared.db.reports import (
    Attempt,
    BenchmarkJob,
    BenchmarkRun,
    PlatformPause,
    Report,
    ReportExport,
    ReportModel,
)
from modelpick_shared.db.revisions import REVISION_COLUMN, REVISION_TABLE
from modelpick_shared.db.upkeep import HousekeepingRecord

Columns = bool | tuple[InstrumentedAttribute[Any], ...]
Kind = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]


class Role(StrEnum):
    """Who logs in at the database. `simulator` is the stand-in for the models, which looks answers up."""

    CHECKOUT = "checkout"
    WEBHOOK = "webhook"
    ORCHESTRATOR = "orchestrator"
    NOTIFIER = "notifier"
    REPORTS = "reports"
    SIMULATOR = "simulator"


class Privilege(NamedTuple):
    """One privilege on a table, or on one column of it."""

    kind: Kind
    table: str
    column: str | None = None


@dataclass(frozen=True)
class Access:
    """What may be done to a table: all its columns (True), those named, or none.

    Locking a row needs the right to update some column of it; `update` then names one that says nothing new.
    """

    table: type[Base]
    select: Columns = True
    insert: Columns = False
    update: Columns = False
    delete: bool = False

    def privileges(self) -> Iterator[Privilege]:
        yield from self._of("SELECT", self.select)
        yield from self._of("INSERT", self.insert)
        yield from self._of("UPDATE", self.update)
        yield from self._of("DELETE", self.delete)

    def _of(self, kind: Kind, columns: Columns) -> Iterator[Privilege]:
        if columns is True:
            yield Privilege(kind, self.table.__tablename__)
        for column in columns or () if not isinstance(columns, bool) else ():
            yield Privilege(kind, self.table.__tablename__, column.name)


def _going(table: type[Base], *columns: InstrumentedAttribute[Any]) -> Access:
    """Return the right to delete rows by these columns; locking them takes the right to update their key."""
    key = tuple(getattr(table, column.name) for column in table.__mapper__.primary_key)
    return Access(table, select=(*key, *columns), update=key[:1], delete=True)


_OUTBOX = Access(OutboxMessage, insert=True, update=(OutboxMessage.sent_at, OutboxMessage.body))
_SESSIONS = Access(
    UserSession,
    select=(UserSession.token_hash, UserSession.user_id, UserSession.expires_at, UserSession.revoked_at),
)

_CHECKOUT = (
    Access(User, insert=True),
    Access(SignInToken, insert=True, update=(SignInToken.used_at,)),
    Access(UserSession, insert=True, update=(UserSession.revoked_at,)),
    Access(RequestCount, insert=True, update=(RequestCount.admitted_at, RequestCount.expires_at)),
    Access(Draft, insert=True, update=True, delete=True),
    Access(DraftImage, insert=True, update=(DraftImage.position, DraftImage.expected_json), delete=True),
    Access(ImageDeletion, insert=True, update=(ImageDeletion.due_at,), delete=True),
    Access(Order, insert=True, update=(Order.status, Order.stripe_session_id, Order.session_url)),
    Access(Report, select=(Report.id, Report.order_id, Report.draft_id, Report.images_removed_at)),
    _OUTBOX,
)

_WEBHOOK = (
    Access(User, select=(User.id, User.email)),
    Access(Draft, select=(Draft.id,), update=(Draft.status, Draft.updated_at)),
    Access(
        Order,
        update=(
            *(Order.status, Order.settled_at, Order.problem),
            *(Order.stripe_session_id, Order.payment_intent_id),
        ),
    ),
    # It locks a failed report while it pays its price back.
    Access(
        Report, select=(Report.id, Report.order_id, Report.status), insert=True, update=(Report.order_id,)
    ),
    Access(StripeEvent, insert=True, update=(StripeEvent.problem,)),
    Access(Refund, insert=True, update=True),
    Access(Dispute, insert=True, update=(Dispute.status, Dispute.closed_at)),
    Access(Reconciliation, insert=True, update=True),
    _OUTBOX,
)

_ORCHESTRATOR = (
    Access(
        Report,
        update=(
            *(Report.status, Report.revision, Report.failure_reason, Report.completed_jobs),
            *(Report.spent_usd, Report.reserved_usd, Report.over_ceiling, Report.started_at),
            *(Report.completed_at, Report.deadline_at, Report.paused_at, Report.paused_s),
        ),
    ),
    Access(ReportModel, insert=True, update=True),
    Access(BenchmarkJob, insert=True, update=True),
    Access(Attempt, insert=True, update=True),
    Access(BenchmarkRun, insert=True, delete=True),
    Access(PlatformPause, insert=True, delete=True),
    Access(Refund, select=(Refund.order_id,)),
    _OUTBOX,
)

# What goes with time. It runs in the orchestrator's process, and so under its role.
_HOUSEKEEPING = (
    Access(HousekeepingRecord, insert=True, update=True),
    _going(SignInToken, SignInToken.expires_at),
    _going(UserSession, UserSession.expires_at, UserSession.revoked_at),
    _going(RequestCount, RequestCount.expires_at),
    _going(OutboxMessage, OutboxMessage.sent_at),
    _going(EmailEvent, EmailEvent.received_at),
    _going(Email, Email.state, Email.created_at),
    _going(StripeEvent, StripeEvent.received_at),
    _going(Reconciliation, Reconciliation.finished_at),
    _going(Order, Order.status, Order.settled_at, Order.draft_id),
    _going(Draft, Draft.status, Draft.updated_at),
    Access(DraftImage, select=(DraftImage.draft_id, DraftImage.storage_key), delete=True),
    Access(ImageDeletion, insert=True, update=(ImageDeletion.due_at,)),
    Access(Report, update=(Report.images_removed_at,)),
    Access(Dispute, select=(Dispute.order_id,)),
)

_NOTIFIER = (
    Access(Email, insert=True, update=True),
    Access(EmailEvent, insert=True),
    Access(
        Report,
        select=(
            *(Report.id, Report.order_id, Report.email, Report.config_snapshot, Report.total_jobs),
            Report.traceparent,
        ),
    ),
    Access(Order, select=(Order.id, Order.amount_cents)),
)

_REPORTS = (
    Access(User, select=(User.id, User.email), insert=(User.id, User.email)),
    _SESSIONS,
    Access(
        Report,
        select=(
            *(Report.id, Report.user_id, Report.order_id, Report.status, Report.revision),
            *(Report.share_token, Report.config_snapshot, Report.total_jobs, Report.completed_jobs),
            *(Report.spent_usd, Report.failure_reason, Report.created_at, Report.started_at),
            *(Report.completed_at, Report.deadline_at, Report.images_removed_at),
        ),
        update=(Report.share_token,),
    ),
    Access(ReportModel),
    Access(BenchmarkRun),
    Access(Refund, select=(Refund.order_id, Refund.state)),
    Access(
        ReportExport, insert=True, update=(ReportExport.revision, ReportExport.body, ReportExport.created_at)
    ),
)

_SIMULATOR = (
    Access(DraftImage, select=(DraftImage.sha256, DraftImage.expected_json, DraftImage.created_at)),
)

ACCESS: Mapping[Role, tuple[Access, ...]] = {
    Role.CHECKOUT: _CHECKOUT,
    Role.WEBHOOK: _WEBHOOK,
    Role.ORCHESTRATOR: _ORCHESTRATOR + _HOUSEKEEPING,
    Role.NOTIFIER: _NOTIFIER,
    Role.REPORTS: _REPORTS,
    Role.SIMULATOR: _SIMULATOR,
}


# A service is not ready before the tables are as new as its release needs.
_REVISION = Privilege("SELECT", REVISION_TABLE, REVISION_COLUMN)


def privileges_of(role: Role) -> frozenset[Privilege]:
    """Return what a role is granted; a privilege on a table stands for those on its columns."""
    declared = {privilege for access in ACCESS[role] for privilege in access.privileges()}
    if role is not Role.SIMULATOR:
        declared.add(_REVISION)
    whole = {(privilege.kind, privilege.table) for privilege in declared if privilege.column is None}
    return frozenset(
        privilege
        for privilege in declared
        if privilege.column is None or (privilege.kind, privilege.table) not in whole
    )
