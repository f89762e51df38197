"""Money that went back, as Stripe's events tell of it: refunds, by whomever, and disputes."""

from collections.abc import Iterable, Mapping

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db import Outbox, after_commit, insert_once
from modelpick_shared.db.payments import Dispute, Order, Refund
from modelpick_webhook import orders, repository
from modelpick_webhook.metrics import DISPUTES
from modelpick_webhook.refund_progress import advance
from modelpick_webhook.refund_requests import RefundReason
from modelpick_webhook.schemas import (
    Charge,
    Event,
    RefundState,
    StripeDispute,
    StripeRefund,
    object_of,
    order_id_in,
)

log = structlog.get_logger()

Reversal = Charge | StripeRefund | StripeDispute
_KINDS: dict[str, type[Charge] | type[StripeRefund] | type[StripeDispute]] = {
    "charge.refunded": Charge,
    "refund.created": StripeRefund,
    "refund.updated": StripeRefund,
    "refund.failed": StripeRefund,
    "charge.dispute.created": StripeDispute,
    "charge.dispute.updated": StripeDispute,
    "charge.dispute.closed": StripeDispute,
    "charge.dispute.funds_withdrawn": StripeDispute,
    "charge.dispute.funds_reinstated": StripeDispute,
}
REVERSING = frozenset(_KINDS)


def reversal_of(event: Event) -> Reversal | None:
    """Return what went back; None when the event is not about that. Raises InvalidEventError."""
    kind = _KINDS.get(event.type)
    return object_of(event, kind) if kind else None


def gone_back_in(reversals: Iterable[Reversal], amounts: Mapping[str, int | None]) -> dict[str, str]:
    """Return which of the payments of these amounts went back as a whole, and which way it was."""
    told: dict[str, str] = {}
    for each in reversals:
        intent_id = each.payment_intent
        if intent_id is not None and intent_id in amounts and _takes_all(each, amounts[intent_id]):
            told[intent_id] = "disputed" if isinstance(each, StripeDispute) else "refunded"
    return told


class Reversals:
    """Records refunds and disputes; which payments they concern is never fulfilled again."""

    def __init__(self, outbox: Outbox, *, live_mode: bool) -> None:
        self._outbox = outbox
        self._live_mode = live_mode

    async def record(
        self, session: AsyncSession, event: Event, reversal: Reversal
    ) -> tuple[bool, str | None]:
        """Record what went back; say whether it concerns us, and what is wrong with the event, if it is."""
        if event.livemode != self._live_mode:
            return False, f"livemode {event.livemode} instead of {self._live_mode}"
        if isinstance(reversal, Charge):
            return await self._charge(session, reversal), None
        if isinstance(reversal, StripeRefund):
            return await self._refund(session, reversal), None
        return await self._dispute(session, reversal), None

    async def _charge(self, session: AsyncSession, charge: Charge) -> bool:
        """Note a payment that was given back as a whole; our own refunds are noted already."""
        order = await self._order(session, charge)
        if order is None or charge.payment_intent is None or not charge.refunded:
            return order is not None
        values = {"order_id": order.id, "amount_cents": charge.amount_refunded}
        await self._note_elsewhere(session, charge.payment_intent, RefundState.SUCCEEDED, **values)
        return True

    async def _order(self, session: AsyncSession, charge: Charge) -> Order | None:
        """Return the order of a charge, locked; its metadata are those that we gave the payment intent."""
        order_id = order_id_in(charge.metadata)
        if order_id is None and charge.payment_intent is not None:
            order_id = await repository.order_paid_by(session, charge.payment_intent)
        if order_id is None or not await orders.lock(session, {order_id}):
            return None
        return await session.get(Order, order_id)

    async def _refund(self, session: AsyncSession, refund: StripeRefund) -> bool:
        if refund.payment_intent is None:
            return False
        statement = select(Refund).where(Refund.payment_intent_id == refund.payment_intent)
        row = await session.scalar(statement.with_for_update())
        if row is not None:
            if _is_about(row, refund):
                await advance(session, self._outbox, row, refund)
            return True
        return await self._refund_elsewhere(session, refund, refund.payment_intent)

    async def _refund_elsewhere(self, session: AsyncSession, refund: StripeRefund, intent_id: str) -> bool:
        order_id = await repository.order_paid_by(session, intent_id)
        order = await session.get(Order, order_id) if order_id else None
        # A part given back out of goodwill takes nothing away from the report.
        if order is not None and refund.amount >= order.amount_cents and refund.state != RefundState.FAILED:
            values = {"order_id": order.id, "amount_cents": refund.amount, "stripe_refund_id": refund.id}
            await self._note_elsewhere(session, intent_id, refund.state, **values)
        return order is not None

    async def _note_elsewhere(
        self, session: AsyncSession, intent_id: str, state: RefundState, **values: object
    ) -> None:
        noted = await insert_once(
            session,
            Refund,
            payment_intent_id=intent_id,
            reason=RefundReason.ELSEWHERE.value,
            state=state.value,
            settled_at=func.now() if state is RefundState.SUCCEEDED else None,
            **values,
        )
        if noted:
            log.warning("refund.made_elsewhere", order_id=str(values["order_id"]))

    async def _dispute(self, session: AsyncSession, dispute: StripeDispute) -> bool:
        intent_id = dispute.payment_intent
        order_id = await repository.order_paid_by(session, intent_id) if intent_id else None
        statement = insert(Dispute).values(
            id=dispute.id,
            payment_intent_id=intent_id,
            order_id=order_id,
            amount_cents=dispute.amount,
            reason=dispute.reason,
            status=dispute.status,
            closed_at=func.now() if dispute.closed else None,
        )
        new = {"status": statement.excluded.status, "closed_at": statement.excluded.closed_at}
        # Events come in any order: a dispute that is closed stays so.
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[Dispute.id], set_=new, where=Dispute.closed_at.is_(None)
            )
        )
        after_commit(session, DISPUTES.labels(status=dispute.status).inc)
        log.error("payment.disputed", dispute_id=dispute.id, order_id=str(order_id), status=dispute.status)
        return order_id is not None


def _is_about(row: Refund, refund: StripeRefund) -> bool:
    """Say whether Stripe speaks of the refund that we wait for, and not of an earlier one that has failed."""
    if row.stripe_refund_id is not None:
        return row.stripe_refund_id == refund.id
    return refund.attempt in {None, str(row.attempt)} and refund.amount >= row.amount_cents


def _takes_all(reversal: Reversal, amount: int | None) -> bool:
    if isinstance(reversal, Charge):
        return reversal.refunded
    if isinstance(reversal, StripeRefund):
        return reversal.state is not RefundState.FAILED and amount is not None and reversal.amount >= amount
    return True
