from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.contracts import ReportPaid
from modelpick_shared.db import Outbox, after_commit
from modelpick_shared.ids import new_id
from modelpick_shared.telemetry import present_traceparent
from modelpick_webhook import orders, repository
from modelpick_webhook.metrics import PROBLEM_KINDS, PROBLEMS, REVENUE_USD
from modelpick_webhook.orders import LockedOrder, PaidOrder
from modelpick_webhook.refund_requests import RefundReason, request_refund
from modelpick_webhook.reversals import Reversal, Reversals, gone_back_in, reversal_of
from modelpick_webhook.schemas import CheckoutSession, Event

log = structlog.get_logger()

PAYING = frozenset({"checkout.session.completed", "checkout.session.async_payment_succeeded"})
ENDING = frozenset({"checkout.session.expired", "checkout.session.async_payment_failed"})


class Result(StrEnum):
    """What came of an event or a session."""

    FULFILLED = "fulfilled"
    REPEATED = "repeated"
    UNPAID = "unpaid"
    EXPIRED = "expired"
    RECORDED = "recorded"
    NOT_OURS = "not_ours"
    PROBLEM = "problem"
    IGNORED = "ignored"


Outcome = tuple[Result, str | None]


class Flaw(NamedTuple):
    """What is wrong with a payment, by a word and in full; with a reason it is to be given back."""

    kind: str
    problem: str
    reason: RefundReason | None = None


@dataclass(frozen=True)
class Task:
    """What an event asks for: a session was paid or has ended, or money went back.

    `traceparent` is the trace of the request that brought it.
    """

    event: Event
    about: CheckoutSession | Reversal
    traceparent: str | None = None

    @property
    def session_id(self) -> str | None:
        return self.about.id if isinstance(self.about, CheckoutSession) else None

    @property
    def pays(self) -> bool:
        return self.event.type in PAYING


def task_of(event: Event) -> Task | None:
    """Read what an event asks for; None when we have no use for it. Raises InvalidEventError."""
    if event.type in PAYING or event.type in ENDING:
        return Task(event, event.session())
    reversal = reversal_of(event)
    return Task(event, reversal) if reversal else None


class Payments:
    """Turns paid Checkout Sessions into reports, one an order, however often and by whom they are told of."""

    def __init__(self, outbox: Outbox, *, ceiling_usd: Decimal, live_mode: bool) -> None:
        self._outbox = outbox
        self._ceiling_usd = ceiling_usd
        self._live_mode = live_mode
        for kind in PROBLEM_KINDS:
            PROBLEMS.labels(problem=kind)  # there from the start, so that the first one is seen to come
        self._reversals = Reversals(outbox, live_mode=live_mode)

    async def take(self, session: AsyncSession, tasks: Sequence[Task]) -> list[Result]:
        """Do once what events ask for, those that pay first; the results are in the order given."""
        rows = [(task.event.id, task.event.type, task.session_id) for task in tasks]
        new = await repository.note_events(session, list(dict.fromkeys(rows)))
        results = dict.fromkeys(range(len(tasks)), Result.REPEATED)
        fresh = [index for index, task in enumerate(tasks) if _first(new, task.event.id)]
        outcomes = await self._do(session, [tasks[index] for index in fresh])
        for index, (result, problem) in zip(fresh, outcomes, strict=True):
            results[index] = result
            if problem is not None:
                await repository.note_problem(session, tasks[index].event.id, problem)
        return list(results.values())

    async def fulfil(self, session: AsyncSession, paid: CheckoutSession) -> Outcome:
        """Make the report of a paid session's order unless it is there; say also what is wrong, if it is."""
        (outcome,) = await self._fulfil_all(session, {paid.id: present_traceparent()}, [paid], {})
        return outcome

    async def end(self, session: AsyncSession, ended: CheckoutSession) -> Result:
        """Close the order of a session that will not be paid, unless it is settled."""
        if ended.order_id is None:
            return Result.NOT_OURS
        await repository.close_order(session, ended.order_id, ended.id)
        return Result.EXPIRED

    async def _do(self, session: AsyncSession, tasks: list[Task]) -> list[Outcome]:
        paying = [index for index, task in enumerate(tasks) if task.pays]
        sessions = [task.about for task in tasks if task.pays and isinstance(task.about, CheckoutSession)]
        traces = {task.session_id: task.traceparent for task in reversed(tasks)}
        told = self._told(tasks, sessions)
        outcomes = dict(zip(paying, await self._fulfil_all(session, traces, sessions, told), strict=True))
        for index, task in enumerate(tasks):
            if index not in outcomes:
                outcomes[index] = await self._do_other(session, task)
        return [outcomes[index] for index in range(len(tasks))]

    def _told(self, tasks: Sequence[Task], sessions: Sequence[CheckoutSession]) -> dict[str, str]:
        """Return which payments of a batch have gone back, as others of its events say."""
        amounts = {each.payment_intent: each.amount_total for each in sessions if each.payment_intent}
        reversals = [
            task.about
            for task in tasks
            if not isinstance(task.about, CheckoutSession) and task.event.livemode == self._live_mode
        ]
        return gone_back_in(reversals, amounts)

    async def _do_other(self, session: AsyncSession, task: Task) -> Outcome:
        if isinstance(task.about, CheckoutSession):
            return await self.end(session, task.about), None
        recorded, problem = await self._reversals.record(session, task.event, task.about)
        if problem is not None:
            return Result.PROBLEM, problem
        return Result.RECORDED if recorded else Result.NOT_OURS, None

    async def _fulfil_all(
        self,
        session: AsyncSession,
        traces: Mapping[str | None, str | None],
        sessions: Sequence[CheckoutSession],
        told: Mapping[str, str],
    ) -> list[Outcome]:
        """Fulfil what is paid; `told` are the payments that have gone back and are not recorded yet."""
        claims = {paid.order_id for paid in sessions if paid.paid and paid.order_id}
        locked = await orders.lock(session, claims) if claims else {}
        intents = {paid.payment_intent for paid in sessions if paid.payment_intent} if locked else set()
        gone_back = {**told, **await orders.reversed_payments(session, intents)}
        settled: list[PaidOrder] = []
        outcomes = [await self._decide(session, paid, locked, gone_back, settled) for paid in sessions]
        await self._make_reports(
            session, [replace(each, traceparent=traces.get(each.session_id)) for each in settled]
        )
        return outcomes

    async def _make_reports(self, session: AsyncSession, settled: Sequence[PaidOrder]) -> None:
        await orders.make_reports(session, settled, ceiling_usd=self._ceiling_usd)
        traces = {each.report_id: each.traceparent for each in settled}
        paid = [ReportPaid(report_id=each.report_id) for each in settled]
        await self._outbox.add(session, *paid, traces=traces)
        for each in settled:
            log.info("report.paid", report_id=str(each.report_id), order_id=str(each.order_id))
        if settled:
            earned_usd = sum(each.amount_cents for each in settled) / 100
            after_commit(session, lambda: REVENUE_USD.inc(earned_usd))

    async def _decide(
        self,
        session: AsyncSession,
        paid: CheckoutSession,
        locked: dict[UUID, LockedOrder],
        gone_back: Mapping[str, str],
        settled: list[PaidOrder],
    ) -> Outcome:
        if not paid.paid:
            return Result.UNPAID, None
        order = locked.get(paid.order_id) if paid.order_id else None
        if order is None:
            return Result.NOT_OURS, None
        if order.status == "paid" and order.stripe_session_id == paid.id:
            return Result.REPEATED, None
        flaw = self._flaw(order, paid, gone_back)
        if flaw is not None:
            return await self._refuse(session, order, paid, flaw)
        settled.append(PaidOrder(order.id, paid.id, paid.payment_intent, new_id(), order.amount_cents))
        _note_paid(order, paid, locked)
        return Result.FULFILLED, None

    def _flaw(self, order: LockedOrder, paid: CheckoutSession, gone_back: Mapping[str, str]) -> Flaw | None:
        """Say why a payment cannot be fulfilled, and whether it is to be given back."""
        flaw = self._wrong(order, paid)
        reversal = gone_back.get(paid.payment_intent or "") or paid.gone_back
        if reversal is None:
            return flaw
        if flaw is None:
            return Flaw("gone_back", f"{reversal} before it was fulfilled")
        # Often told of twice: what is wrong stays the problem, and nothing is given back again.
        return flaw._replace(reason=None)

    def _wrong(self, order: LockedOrder, paid: CheckoutSession) -> Flaw | None:
        """Say what is wrong with a payment in itself."""
        if paid.livemode != self._live_mode:
            # Money of the other mode cannot be given back with our key.
            return Flaw("wrong_mode", f"paid with livemode {paid.livemode} instead of {self._live_mode}")
        if order.status == "paid" or order.rival_id is not None:
            return Flaw("second_payment", "a second payment for one draft", RefundReason.DUPLICATE)
        if (paid.currency or "").lower() != order.currency:
            problem = f"paid in {paid.currency} instead of {order.currency}"
            return Flaw("wrong_currency", problem, RefundReason.WRONG_PAYMENT)
        if paid.amount_total != order.amount_cents:
            problem = f"paid {paid.amount_total} instead of {order.amount_cents}"
            return Flaw("wrong_amount", problem, RefundReason.WRONG_PAYMENT)
        return None

    async def _refuse(
        self,
        session: AsyncSession,
        order: LockedOrder,
        paid: CheckoutSession,
        flaw: Flaw,
    ) -> Outcome:
        kind, problem, reason = flaw
        after_commit(session, PROBLEMS.labels(problem=kind).inc)
        log.error("payment.problem", order_id=str(order.id), problem=problem)
        if order.status != "paid":
            await repository.mark_problem(
                session, order.id, problem, session_id=paid.id, payment_intent_id=paid.payment_intent
            )
        if reason is not None:
            await request_refund(
                session, paid.payment_intent, order.id, amount_cents=paid.amount_total, reason=reason
            )
        return Result.PROBLEM, problem


def _first(new: set[str], event_id: str) -> bool:
    """Say whether this is the first time that we see a new event, in this batch too."""
    is_new = event_id in new
    new.discard(event_id)
    return is_new


def _note_paid(order: LockedOrder, paid: CheckoutSession, locked: dict[UUID, LockedOrder]) -> None:
    """Let the payments that follow in this batch see what was decided."""
    order.status, order.stripe_session_id = "paid", paid.id
    for other in locked.values():
        if other.draft_id == order.draft_id and other.id != order.id:
            other.rival_id = order.id
