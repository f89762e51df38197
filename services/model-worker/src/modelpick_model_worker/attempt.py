"""The calls of one attempt at a job, and what to report of them."""

import asyncio
import time
from datetime import timedelta
from typing import NamedTuple, Protocol

import structlog

from modelpick_model_worker import results, tracing
from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.bill import Bill
from modelpick_model_worker.clock import Clock
from modelpick_model_worker.errors import (
    CallNotMadeError,
    DeadlinePassedError,
    HeldBackError,
    LeaseEndedError,
    ModelCallError,
    OperatorError,
    RateLimitedError,
    RetryableCallError,
    StoppedWaitingError,
)
from modelpick_model_worker.gate import ModelGate
from modelpick_model_worker.key import KeyGuard
from modelpick_model_worker.metrics import CALL_SECONDS, CALLS, COST_USD, RETRIES, TOKENS
from modelpick_model_worker.openrouter import ModelAnswer
from modelpick_model_worker.openrouter.body import RequestBody
from modelpick_shared.contracts import RunFinished, RunRequested, UnmeasuredReason
from modelpick_shared.telemetry.models import model_label

log = structlog.get_logger()

OPERATOR_RETRY_S = 30.0
# A gate that is on trial has no time at which it opens.
SHORTEST_RETRY_S = 1.0


class ModelApi(Protocol):
    """Where models are called."""

    async def complete(self, body: RequestBody, *, timeout_s: float) -> tuple[ModelAnswer, int]:
        """Make one call; return the answer and its latency in milliseconds. Raises ModelCallError."""

    async def bill_of(self, generation_id: str) -> Bill | None:
        """Look up what a generation was billed; None when that cannot be found out."""


class Limits(NamedTuple):
    """How often and how long an attempt may try.

    `hold_s` is how long a message is held before its call begins, `call_s` how long a call may take, and
    `grace_s` by how much it may outlive its report's deadline: what comes later is not counted.
    """

    max_retries: int
    hold_s: float = 120.0
    call_s: float = 120.0
    grace_s: float = 30.0


class Means(NamedTuple):
    """What all attempts of a worker share."""

    api: ModelApi
    guard: KeyGuard
    clock: Clock
    limits: Limits
    backoff: Backoff


class Attempt:
    """Calls until there is an answer, or until waiting or calling on is of no use.

    A call that may have been billed is never repeated here: an attempt has one reservation.
    """

    def __init__(self, run: RunRequested, gate: ModelGate, means: Means) -> None:
        self._run = run
        self._gate = gate
        self._api = means.api
        self._guard = means.guard
        self._clock = means.clock
        self._limits = means.limits
        self._backoff = means.backoff
        self._label = model_label(run.model_id)
        self._stopped = gate.stopped
        self._calls = 0
        self._last_failure: ModelCallError | None = None
        self._hold_ends_s = time.monotonic() + means.limits.hold_s

    async def make(self, body: RequestBody) -> RunFinished:
        """Return the attempt's result; whatever fails becomes an outcome."""
        result = await self._make(body)
        _count_bill(result, self._label)
        return result

    async def _make(self, body: RequestBody) -> RunFinished:
        if self._calls_left <= 0:
            reason = UnmeasuredReason.PROVIDER_ERROR
            return results.unmeasured(self._run, reason, attempts=0, error="no call is left to the job")
        try:
            answer, latency_ms = await self._answer(body)
        except CallNotMadeError as error:
            return self._waited_in_vain(error)
        except RetryableCallError as error:
            return await self._put_off(error)
        except OperatorError as error:
            return self._pause(error)
        except ModelCallError as error:
            return results.unmeasured(
                self._run, error.reason, attempts=self._calls, error=str(error), bill=error.bill
            )
        bill = await self._known(answer.bill)
        return results.answered(self._run, answer._replace(bill=bill), latency_ms, attempts=self._calls)

    @property
    def _calls_left(self) -> int:
        return 1 + self._limits.max_retries - self._run.calls_made - self._calls

    @property
    def _held_for_s(self) -> float:
        """How long the message may still be held."""
        return self._hold_ends_s - time.monotonic()

    async def _answer(self, body: RequestBody) -> tuple[ModelAnswer, int]:
        while True:
            try:
                return await self._call(body)
            except RetryableCallError as error:
                wait_s = self._wait_s(error)
                if error.bill is not None or self._calls_left <= 0 or wait_s > self._held_for_s:
                    raise
                self._note_retry(error, wait_s)
            await self._sleep(wait_s)

    async def _call(self, body: RequestBody) -> tuple[ModelAnswer, int]:
        ticket = await self._gate.enter(within_s=self._held_for_s, stopped=self._stopped)
        try:
            answer, latency_ms = await self._complete(body)
        except RateLimitedError as error:
            self._gate.limited(ticket, error.retry_after_s)
            raise
        else:
            self._gate.succeeded(ticket)
            return answer, latency_ms
        finally:
            self._gate.leave(ticket)

    async def _complete(self, body: RequestBody) -> tuple[ModelAnswer, int]:
        timeout_s = self._timeout_s()
        self._calls += 1
        model = self._label
        try:
            with tracing.call(self._run) as span:
                answer, latency_ms = await self._api.complete(body, timeout_s=timeout_s)
                tracing.note_answer(span, answer)
        except ModelCallError as error:
            self._last_failure = error
            CALLS.labels(model=model, outcome=type(error).__name__).inc()
            raise
        CALLS.labels(model=model, outcome=answer.outcome.value).inc()
        CALL_SECONDS.labels(model=model).observe(latency_ms / 1000)
        self._guard.accept(self._run)
        return answer, latency_ms

    def _timeout_s(self) -> float:
        """Return how long a call may take from now. Raises what forbids it altogether."""
        if self._guard.stops(self._run):
            raise OperatorError("the key does not work", unauthorized=False)
        now = self._clock.now()
        if now >= self._run.lease_ends_at:
            raise LeaseEndedError
        remaining_s = (self._run.deadline_at - now).total_seconds() + self._limits.grace_s
        if remaining_s <= 0:
            raise DeadlinePassedError
        return min(self._limits.call_s, remaining_s)

    def _wait_s(self, error: RetryableCallError) -> float:
        if isinstance(error, RateLimitedError):
            return 0.0  # the gate makes it wait, together with the model's other jobs
        return self._pause_s(error)

    def _pause_s(self, error: RetryableCallError) -> float:
        if isinstance(error, RateLimitedError):
            return max(self._gate.closed_for_s, SHORTEST_RETRY_S)
        return max(error.retry_after_s or 0.0, self._backoff.wait_s(self._run.calls_made + self._calls))

    async def _sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return
        raise StoppedWaitingError

    def _note_retry(self, error: RetryableCallError, wait_s: float) -> None:
        RETRIES.labels(model=self._label).inc()
        log.info("model.retry", model_id=self._run.model_id, error=str(error), wait_s=round(wait_s, 2))

    def _waited_in_vain(self, error: CallNotMadeError) -> RunFinished:
        if isinstance(error, DeadlinePassedError):
            reason = UnmeasuredReason.DEADLINE
            return results.unmeasured(self._run, reason, attempts=self._calls, error=str(error))
        if isinstance(error, HeldBackError):
            opens_in_s = max(error.opens_in_s, SHORTEST_RETRY_S)
            return self._later(UnmeasuredReason.RATE_LIMITED, opens_in_s, str(error))
        if not self._calls or self._last_failure is None:
            return results.not_started(self._run)
        return self._later(self._last_failure.reason, self._gate.closed_for_s, str(self._last_failure))

    async def _put_off(self, error: RetryableCallError) -> RunFinished:
        bill = error.bill if error.bill is None else await self._known(error.bill)
        if self._calls_left > 0:
            return self._later(error.reason, self._pause_s(error), str(error), bill)
        return results.unmeasured(self._run, error.reason, attempts=self._calls, error=str(error), bill=bill)

    def _pause(self, error: OperatorError) -> RunFinished:
        if error is self._last_failure:
            self._guard.refuse(unauthorized=error.unauthorized)
        return self._later(error.reason, OPERATOR_RETRY_S, str(error), error.bill)

    def _later(
        self, reason: UnmeasuredReason, wait_s: float, error: str, bill: Bill | None = None
    ) -> RunFinished:
        retry_at = self._clock.now() + timedelta(seconds=wait_s)
        return results.retry_later(
            self._run, reason, retry_at=retry_at, attempts=self._calls, error=error, bill=bill
        )

    async def _known(self, bill: Bill) -> Bill:
        """Return a bill that a cost follows from, looked up if need be and possible."""
        if bill.is_known or bill.generation_id is None:
            return bill
        found = await self._api.bill_of(bill.generation_id)
        return bill if found is None else found._replace(generation_id=bill.generation_id)


def _count_bill(result: RunFinished, model: str) -> None:
    """Count what a result says was billed; what nobody can believe is not counted."""
    for kind, tokens in (("prompt", result.prompt_tokens), ("completion", result.completion_tokens)):
        if tokens is not None and tokens >= 0:
            TOKENS.labels(model=model, kind=kind).inc(tokens)
    if result.cost_usd is not None and result.cost_usd.is_finite() and result.cost_usd >= 0:
        COST_USD.labels(model=model).inc(float(result.cost_usd))
