"""The notifier's SQL. It owns the tables of mails, and reads what was paid for."""

from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_notifier.mails import Payment, RenderedMail
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db import insert_once
from modelpick_shared.db.tables import Email, EmailEvent, Order, Report


class Backlog(NamedTuple):
    """How many mails wait, in how many seconds the next is due, and how many need an operator."""

    pending: int
    next_attempt_in_s: float | None
    unknown: int


async def add(session: AsyncSession, mail: RenderedMail) -> bool:
    """Store a mail under its key; return False when it was there already."""
    return await insert_once(session, Email, **asdict(mail), state="pending", attempts=0)


async def find_payment(session: AsyncSession, report_id: UUID) -> Payment | None:
    """Return what a report was paid with, and for."""
    statement = (
        select(Report.email, Report.config_snapshot, Report.total_jobs, Order.amount_cents)
        .join(Order, Order.id == Report.order_id)
        .where(Report.id == report_id)
    )
    row = (await session.execute(statement)).first()
    return None if row is None else _payment(report_id, row)


def _payment(report_id: UUID, row: Row[tuple[str, dict[str, object], int, int]]) -> Payment:
    config = ConfigSnapshot.model_validate(row.config_snapshot)
    return Payment(
        report_id,
        row.email,
        row.amount_cents,
        models=len(config.models),
        images=len(config.images),
        total_runs=row.total_jobs,
    )


async def trace_of(session: AsyncSession, report_id: UUID | None) -> str | None:
    """Return the `traceparent` of a report, where there is one."""
    return await session.scalar(select(Report.traceparent).where(Report.id == report_id))


async def take_due(session: AsyncSession) -> Email | None:
    """Lock and return the mail that has been due the longest, leaving out those that others hold."""
    statement = (
        select(Email)
        .where(Email.state == "pending", Email.next_attempt_at <= func.now())
        .order_by(Email.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).first()


async def lock(session: AsyncSession, key: str) -> Email | None:
    return (await session.scalars(select(Email).where(Email.key == key).with_for_update())).first()


async def lock_told_of(session: AsyncSession, *, message_id: str | None, provider_id: str) -> Email | None:
    """Lock and return the mail of that Message-ID, or of that id at the mail service."""
    same = or_(Email.message_id == message_id, Email.provider_id == provider_id)
    return (await session.scalars(select(Email).where(same).limit(1).with_for_update())).first()


async def note_event(
    session: AsyncSession,
    *,
    event_id: str,
    key: str,
    event_type: str,
    detail: str | None,
    occurred_at: datetime,
) -> bool:
    """Enter an event in the inbox; False when it was there already."""
    return await insert_once(
        session,
        EmailEvent,
        id=event_id,
        email_key=key,
        type=event_type,
        detail=detail,
        occurred_at=occurred_at,
    )


async def database_time(session: AsyncSession) -> datetime:
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def backlog(session: AsyncSession) -> Backlog:
    pending = Email.state == "pending"
    statement = select(
        func.count().filter(pending),
        func.extract("epoch", func.min(Email.next_attempt_at).filter(pending) - func.now()),
        func.count().filter(Email.state == "unknown"),
    ).where(Email.state.in_(("pending", "unknown")))
    row = (await session.execute(statement)).one()
    return Backlog(row[0], None if row[1] is None else float(row[1]), row[2])
