"""Comparing our orders with Stripe: what no event and no success page told us comes out here."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db import Database
from modelpick_shared.db.payments import Order, Reconciliation
from modelpick_shared.errors import PermanentError, TransientError
from modelpick_shared.ids import new_id
from modelpick_webhook import repository
from modelpick_webhook.errors import InvalidEventError, UnknownSessionError
from modelpick_webhook.gateway import Lookups, PaymentGateway
from modelpick_webhook.intake import Intake
from modelpick_webhook.metrics import RECONCILED_ORDERS, RECONCILIATIONS, UNSETTLED_ORDERS
from modelpick_webhook.refund_requests import refund_failed_report
from modelpick_webhook.refunds import Refunds
from modelpick_webhook.reversals import REVERSING
from modelpick_webhook.schemas import CheckoutSession, Event
from modelpick_webhook.service import ENDING, PAYING, Payments, Result

log = structlog.get_logger()

POLL_S = 2.0
PAGE = 100
AT_ONCE = 4
# Checkout has this long to note the session that it opens.
BEING_MADE = timedelta(minutes=2)
# Clocks differ, and Stripe ends a session some time after it is due.
SLACK = timedelta(minutes=5)
LONG_OVER = timedelta(hours=1)
# Names this work among advisory locks: one replica at a time does it.
LOCK_KEY = 0x6D70_7265_636F


@dataclass
class Tally:
    """What a comparison came to; `events` were never delivered, or never answered with 200."""

    looked_up: int = 0
    fulfilled: int = 0
    closed: int = 0
    problems: int = 0
    events: int = 0


class Reconciler:
    """Compares every `interval_s`, and whenever an operator asks; one replica at a time."""

    def __init__(
        self,
        database: Database,
        payments: Payments,
        intake: Intake,
        lookups: Lookups,
        gateway: PaymentGateway | None,
        *,
        refunds: Refunds | None,
        interval_s: float,
    ) -> None:
        self._database = database
        self._payments = payments
        self._intake = intake
        self._lookups = lookups
        self._gateway = gateway
        self._refunds = refunds
        self._interval = timedelta(seconds=interval_s)

    async def run(self) -> None:
        """Compare when it is time, until cancelled."""
        while True:
            try:
                await self.compare_if_due()
            except TransientError as error:
                log.warning("reconciliation.retry", reason=str(error))
            await asyncio.sleep(POLL_S)

    async def compare_if_due(self) -> bool:
        """Compare if the clock or an operator asks for it and nobody else is at it; say whether."""
        async with self._database.transaction() as lock:
            if not await lock.scalar(select(func.pg_try_advisory_xact_lock(LOCK_KEY))):
                return False
            async with self._database.transaction() as session:
                asked = await self._take_up(session)
            if not asked:
                return False
            tally, error = await self._attempt()
            async with self._database.transaction() as session:
                await _finish(session, asked, tally, error)
        return True

    async def _take_up(self, session: AsyncSession) -> list[UUID]:
        """Return what was asked for and has no answer yet; of a replica that died meanwhile, too."""
        begun = await _begin(session)
        if begun:
            return begun
        last = await session.scalar(select(func.max(Reconciliation.started_at)))
        now = (await session.execute(select(func.now()))).scalar_one()
        if last is not None and now - last < self._interval:
            return []
        session.add(Reconciliation(id=new_id()))
        await session.flush()
        return await _begin(session)

    async def _attempt(self) -> tuple[Tally, str | None]:
        tally = Tally()
        try:
            await self._compare(tally)
        except (TransientError, PermanentError) as error:
            # One line a run, whatever the number of orders: the next run asks again.
            RECONCILIATIONS.labels(result="failed").inc()
            log.warning("reconciliation.stopped", reason=str(error), **asdict(tally))
            return tally, str(error)
        RECONCILIATIONS.labels(result="done").inc()
        UNSETTLED_ORDERS.set(tally.looked_up)
        log.info("reconciliation.done", **asdict(tally))
        return tally, None

    async def _compare(self, tally: Tally) -> None:
        after = None
        while orders := await self._page(after):
            after = orders[-1].id
            for few in _batched(orders, AT_ONCE):
                await self._look_up_all(few, tally)
        if self._gateway is not None:
            async for event in self._gateway.undelivered_events(PAYING | ENDING | REVERSING):
                await self._take(event, tally)
        await self._ask_back()
        if self._refunds is not None:
            await self._refunds.look_up_pending()

    async def _ask_back(self) -> None:
        """Ask for the money of failed reports of which no message told us."""
        async with self._database.transaction() as session:
            for report_id in await repository.failed_unrefunded(session, limit=PAGE):
                await refund_failed_report(session, report_id)

    async def _page(self, after: UUID | None) -> list[Order]:
        async with self._database.transaction() as session:
            return await repository.unsettled_orders(session, after=after, limit=PAGE)

    async def _look_up_all(self, orders: Sequence[Order], tally: Tally) -> None:
        """Look up some orders at once; raise the first failure that concerns them all."""
        failures = await asyncio.gather(
            *(self._look_up(order, tally) for order in orders), return_exceptions=True
        )
        for failure in failures:
            if isinstance(failure, BaseException):
                raise failure

    async def _look_up(self, order: Order, tally: Tally) -> None:
        """Settle one order. What is wrong with it alone is logged, and keeps no other from being settled."""
        try:
            await self._settle_as_found(order, tally)
        except TransientError:
            raise
        except PermanentError as error:
            log.error("reconciliation.order_failed", order_id=str(order.id), reason=str(error))
        except Exception:
            log.exception("reconciliation.order_failed", order_id=str(order.id))

    async def _settle_as_found(self, order: Order, tally: Tally) -> None:
        found = await self._find(order)
        tally.looked_up += 1
        if found is not None:
            await self._settle(order, found, tally)
        elif datetime.now(UTC) > order.expires_at + LONG_OVER:
            await self._close(order, tally)

    async def _find(self, order: Order) -> CheckoutSession | None:
        """Return an order's session; None when there is none, as far as can be told now."""
        if order.stripe_session_id is not None:
            try:
                return await self._lookups.session(order.stripe_session_id)
            except UnknownSessionError:
                return None
        if self._gateway is None or datetime.now(UTC) - order.created_at < BEING_MADE:
            return None
        # Checkout died after Stripe's answer, before it was stored.
        since, until = order.created_at - SLACK, order.expires_at + SLACK
        return await self._gateway.session_of(order.id, since=since, until=until)

    async def _settle(self, order: Order, found: CheckoutSession, tally: Tally) -> None:
        if found.paid:
            async with self._database.transaction() as session:
                result, _ = await self._payments.fulfil(session, found)
            _count(result, tally)
        elif found.over:
            async with self._database.transaction() as session:
                closed = await repository.close_order(session, order.id, found.id)
            tally.closed += closed

    async def _close(self, order: Order, tally: Tally) -> None:
        async with self._database.transaction() as session:
            tally.closed += await repository.close_order(session, order.id, order.stripe_session_id)

    async def _take(self, event: Event, tally: Tally) -> None:
        try:
            result = await self._intake.take(event)
        except TransientError:
            raise
        except InvalidEventError as error:
            log.error("reconciliation.event_failed", event_id=event.id, reason=str(error))
            return
        except Exception:
            log.exception("reconciliation.event_failed", event_id=event.id)
            return
        if result is not Result.REPEATED:
            tally.events += 1
            _count(result, tally)


def _count(result: Result, tally: Tally) -> None:
    tally.fulfilled += result is Result.FULFILLED
    tally.problems += result is Result.PROBLEM
    RECONCILED_ORDERS.labels(result=result.value).inc()


def _batched(orders: Sequence[Order], size: int) -> Iterator[Sequence[Order]]:
    return (orders[start : start + size] for start in range(0, len(orders), size))


async def _begin(session: AsyncSession) -> list[UUID]:
    statement = (
        update(Reconciliation)
        .where(Reconciliation.finished_at.is_(None))
        .values(started_at=func.now())
        .returning(Reconciliation.id)
        .execution_options(synchronize_session=False)
    )
    return list(await session.scalars(statement))


async def _finish(session: AsyncSession, asked: list[UUID], tally: Tally, error: str | None) -> None:
    values: dict[str, Any] = {"finished_at": func.now(), "error": error, **asdict(tally)}
    statement = update(Reconciliation).where(Reconciliation.id.in_(asked)).values(**values)
    await session.execute(statement.execution_options(synchronize_session=False))
