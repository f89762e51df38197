"""Giving payments back: what was requested is done at Stripe, once a payment, until Stripe has it."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db import Database, Outbox
from modelpick_shared.db.payments import Refund
from modelpick_shared.errors import PermanentError, TransientError
from modelpick_webhook.errors import PaymentRefusedError, PaymentsUnavailableError
from modelpick_webhook.gateway import PaymentGateway
from modelpick_webhook.metrics import REFUND_RETRIES
from modelpick_webhook.refund_progress import advance, note_failure
from modelpick_webhook.schemas import RefundState, StripeRefund

log = structlog.get_logger()

POLL_S = 2.0
# Longer than asking Stripe can take with its repetitions: until then nobody else works on the same refund.
LEASE_S = 300
FIRST_BACKOFF_S = 10.0
LONGEST_BACKOFF_S = 3600.0


@dataclass(frozen=True)
class _Due:
    payment_intent_id: str
    order_id: UUID
    amount_cents: int
    attempt: int
    tries: int


class Refunds:
    """Works off the refunds that were requested; several replicas share them.

    A crash at any point is harmless: the row stays requested, Stripe's own refunds are looked at before a new
    one is made, and making one twice under the same key makes one.
    """

    def __init__(self, database: Database, outbox: Outbox, gateway: PaymentGateway) -> None:
        self._database = database
        self._outbox = outbox
        self._gateway = gateway

    async def run(self) -> None:
        """Give back until cancelled."""
        while True:
            try:
                worked = await self.give_back_next()
            except TransientError as error:
                log.warning("refunds.retry", reason=str(error))
                worked = False
            if not worked:
                await asyncio.sleep(POLL_S)

    async def give_back_next(self) -> bool:
        """Do what is due next; False when nothing is."""
        due = await self._lease()
        if due is None:
            return False
        try:
            refund = await self._at_stripe(due)
        except PaymentsUnavailableError as error:
            await self._put_off(due, str(error))
        except PermanentError as error:
            await self._fail(due, str(error))
        else:
            await self.note(due.payment_intent_id, refund)
        return True

    async def note(self, payment_intent_id: str, refund: StripeRefund) -> None:
        """Store how a refund stands at Stripe."""
        async with self._database.transaction() as session:
            row = await _locked(session, payment_intent_id)
            if row is not None:
                await advance(session, self._outbox, row, refund)

    async def look_up_pending(self) -> int:
        """Ask Stripe for the refunds that banks have not carried out yet; return how many that were."""
        statement = select(Refund.payment_intent_id, Refund.stripe_refund_id)
        async with self._database.transaction() as session:
            rows = (await session.execute(statement.where(Refund.state == RefundState.PENDING.value))).all()
        for intent_id, refund_id in rows:
            await self._look_up(intent_id, refund_id)
        return len(rows)

    async def _look_up(self, intent_id: str, refund_id: str | None) -> None:
        """Ask for one refund. What is wrong with it alone is logged, and keeps no other from being noted."""
        try:
            refunds = await self._gateway.refunds(intent_id)
        except PermanentError as error:
            log.error("refund.lookup_failed", payment_intent_id=intent_id, reason=str(error))
            return
        for refund in refunds:
            if refund.id == refund_id:
                await self.note(intent_id, refund)

    async def _lease(self) -> _Due | None:
        due = (
            select(Refund.payment_intent_id)
            .where(Refund.state == RefundState.REQUESTED.value, Refund.next_attempt_at <= func.now())
            .order_by(Refund.next_attempt_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(Refund)
            .where(Refund.payment_intent_id.in_(due.scalar_subquery()))
            .values(
                next_attempt_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, LEASE_S),
                tries=Refund.tries + 1,
            )
            .returning(
                *(
                    Refund.payment_intent_id,
                    Refund.order_id,
                    Refund.amount_cents,
                    Refund.attempt,
                    Refund.tries,
                )
            )
            .execution_options(synchronize_session=False)
        )
        async with self._database.transaction() as session:
            row = (await session.execute(statement)).first()
        return _Due(*row) if row else None

    async def _at_stripe(self, due: _Due) -> StripeRefund:
        """Return the refund of a payment, made now unless it is there."""
        if found := _standing(await self._gateway.refunds(due.payment_intent_id), due):
            return found
        made = await self._gateway.refund(
            due.payment_intent_id, order_id=due.order_id, attempt=due.attempt, tries=due.tries
        )
        if made is not None:
            return made
        # Refunded already: between our look and our request, or in parts.
        standing = [each for each in await self._gateway.refunds(due.payment_intent_id) if _stands(each)]
        if not standing:
            raise PaymentRefusedError("Stripe says that it is refunded already, and knows of no refund")
        return standing[0]

    async def _put_off(self, due: _Due, reason: str) -> None:
        wait_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(due.tries - 1, 20))
        wait_s *= random.uniform(0.5, 1)  # noqa: S311 - jitter
        REFUND_RETRIES.inc()
        log.warning("refund.put_off", order_id=str(due.order_id), wait_s=round(wait_s), reason=reason)
        statement = (
            update(Refund)
            .where(
                Refund.payment_intent_id == due.payment_intent_id, Refund.state == RefundState.REQUESTED.value
            )
            .values(
                next_attempt_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, wait_s), last_error=reason
            )
        )
        async with self._database.transaction() as session:
            await session.execute(statement.execution_options(synchronize_session=False))

    async def _fail(self, due: _Due, reason: str) -> None:
        async with self._database.transaction() as session:
            row = await _locked(session, due.payment_intent_id)
            if row is not None and row.state == RefundState.REQUESTED.value:
                note_failure(session, row, reason)


async def _locked(session: AsyncSession, payment_intent_id: str) -> Refund | None:
    statement = select(Refund).where(Refund.payment_intent_id == payment_intent_id)
    return await session.scalar(statement.with_for_update())


def _stands(refund: StripeRefund) -> bool:
    return refund.state is not RefundState.FAILED


def _standing(refunds: Sequence[StripeRefund], due: _Due) -> StripeRefund | None:
    """Return the refund that makes another needless: our own, or one that gives all back."""
    standing = [each for each in refunds if _stands(each)]
    own = [each for each in standing if each.attempt == str(due.attempt)]
    if own:
        return own[0]
    enough = due.amount_cents > 0 and sum(each.amount for each in standing) >= due.amount_cents
    return standing[0] if enough else None
