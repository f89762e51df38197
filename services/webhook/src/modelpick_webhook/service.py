import secrets
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.contracts import ReportPaid
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db import Outbox
from modelpick_shared.db.payments import Order
from modelpick_shared.db.reports import Report
from modelpick_shared.ids import new_id
from modelpick_webhook import repository
from modelpick_webhook.schemas import CheckoutSession, Event

log = structlog.get_logger()

SHARE_TOKEN_BYTES = 32

PAYING = frozenset({"checkout.session.completed", "checkout.session.async_payment_succeeded"})
EXPIRING = "checkout.session.expired"


class Result(StrEnum):
    """What came of an event or a session."""

    FULFILLED = "fulfilled"
    REPEATED = "repeated"
    UNPAID = "unpaid"
    EXPIRED = "expired"
    NOT_OURS = "not_ours"
    PROBLEM = "problem"
    IGNORED = "ignored"


class Payments:
    """Turns paid Checkout Sessions into reports, one an order, however often and by whom they are told of."""

    def __init__(self, outbox: Outbox, *, ceiling_usd: Decimal, live_mode: bool) -> None:
        self._outbox = outbox
        self._ceiling_usd = ceiling_usd
        self._live_mode = live_mode

    async def take(self, session: AsyncSession, event: Event) -> Result:
        """Do once what an event of Stripe's asks for. Raises InvalidEventError."""
        if event.type not in PAYING and event.type != EXPIRING:
            return Result.IGNORED
        about = event.session()
        if not await repository.note_event(
            session, event_id=event.id, event_type=event.type, session_id=about.id
        ):
            return Result.REPEATED
        if event.type == EXPIRING:
            return await self._expire(session, about)
        result, problem = await self.fulfil(session, about)
        if problem is not None:
            await repository.note_problem(session, event.id, problem)
        return result

    async def fulfil(self, session: AsyncSession, paid: CheckoutSession) -> tuple[Result, str | None]:
        """Make the report of a paid session's order unless it is there; say also what is wrong, if it is."""
        if not paid.paid:
            return Result.UNPAID, None
        order = await repository.lock_order(session, paid.order_id) if paid.order_id else None
        if order is None:
            return Result.NOT_OURS, None
        if order.status == "paid":
            return Result.REPEATED, None
        if problem := self._problem(order, paid):
            order.status = "problem"
            log.error("payment.problem", order_id=str(order.id), problem=problem)
            return Result.PROBLEM, problem
        await self._settle(session, order, paid)
        return Result.FULFILLED, None

    async def _expire(self, session: AsyncSession, expired: CheckoutSession) -> Result:
        if expired.order_id is None:
            return Result.NOT_OURS
        await repository.expire_order(session, expired.order_id, expired.id)
        return Result.EXPIRED

    def _problem(self, order: Order, paid: CheckoutSession) -> str | None:
        """Say why a payment is not the one that the order asked for."""
        if paid.livemode != self._live_mode:
            return f"paid with livemode {paid.livemode} instead of {self._live_mode}"
        if (paid.currency or "").lower() != order.currency:
            return f"paid in {paid.currency} instead of {order.currency}"
        if paid.amount_total != order.amount_cents:
            return f"paid {paid.amount_total} instead of {order.amount_cents}"
        return None

    async def _settle(self, session: AsyncSession, order: Order, paid: CheckoutSession) -> None:
        order.status = "paid"
        order.settled_at = datetime.now(UTC)
        order.stripe_session_id = paid.id
        order.payment_intent_id = paid.payment_intent
        await repository.mark_draft_paid(session, order.draft_id)
        report = self._report(order, paid, await repository.email_of(session, order.user_id))
        session.add(report)
        await session.flush()
        await self._outbox.add(session, ReportPaid(report_id=report.id))
        log.info("report.paid", report_id=str(report.id), order_id=str(order.id))

    def _report(self, order: Order, paid: CheckoutSession, email: str) -> Report:
        return Report(
            id=new_id(),
            user_id=order.user_id,
            draft_id=order.draft_id,
            order_id=order.id,
            stripe_session_id=paid.id,
            email=email,
            status="paid",
            share_token=secrets.token_urlsafe(SHARE_TOKEN_BYTES),
            config_snapshot=order.snapshot,
            total_jobs=ConfigSnapshot.model_validate(order.snapshot).total_jobs,
            ceiling_usd=self._ceiling_usd,
        )
