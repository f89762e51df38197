"""Running one job: the call, its retries, and the result to report."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from modelpick_model_worker.errors import ModelCallError, OperatorError, RateLimitedError, RetryableCallError
from modelpick_model_worker.gate import ModelGate
from modelpick_model_worker.metrics import CALL_SECONDS, CALLS, RETRIES
from modelpick_model_worker.openrouter import ModelAnswer
from modelpick_model_worker.openrouter.body import request_body
from modelpick_shared.contracts import AttemptOutcome, ImageRef, RunFinished, RunRequested, UnmeasuredReason
from modelpick_shared.errors import PermanentError, TransientError

log = structlog.get_logger()

CALL_TIMEOUT_S = 120.0
# A call may outlive its report's deadline by this; what comes later is not counted.
DEADLINE_GRACE_S = 30.0
# A job is not held unacknowledged for longer than this; then it is given back with a time.
HOLD_LIMIT_S = 120.0
OPERATOR_RETRY_S = 30.0


class ModelApi(Protocol):
    """Where models are called."""

    async def complete(self, body: bytes, *, timeout_s: float) -> tuple[ModelAnswer, int]:
        """Make one call; return the answer and its latency in milliseconds. Raises ModelCallError."""


class ModelRunner:
    """Makes one attempt at a job, with the retries that the worker does by itself."""

    def __init__(
        self,
        api: ModelApi,
        image_address: Callable[[ImageRef], Awaitable[bytes]],
        *,
        max_retries: int,
        backoff_base_s: float,
        backoff_max_s: float,
    ) -> None:
        self._api = api
        self._image_address = image_address
        self._max_retries = max_retries
        self._backoff = wait_random_exponential(multiplier=backoff_base_s, max=backoff_max_s)
        self._gates: dict[str, ModelGate] = defaultdict(ModelGate)

    async def run(self, run: RunRequested) -> RunFinished:
        """Return the attempt's result; whatever fails becomes an outcome."""
        if datetime.now(UTC) >= run.lease_ends_at:
            return finished(run, AttemptOutcome.NOT_STARTED, attempts=0)
        try:
            body = request_body(run, await self._image_address(run.image))
        except TransientError as error:
            return retry_later(run, OPERATOR_RETRY_S, attempts=0, error=str(error))
        except PermanentError as error:
            return unmeasured(run, UnmeasuredReason.PLATFORM, attempts=0, error=str(error))
        return await _Attempt(run, body, self._api, self._gates[run.model_id]).make(self._retrying())

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(RetryableCallError),
            wait=self._wait_s,
            stop=lambda state: state.attempt_number > self._max_retries or _held_too_long(state),
            reraise=True,
        )

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, RetryableCallError) else None
        return max(asked_s or 0.0, self._backoff(state))


class _Attempt:
    """The calls of one attempt."""

    def __init__(self, run: RunRequested, body: bytes, api: ModelApi, gate: ModelGate) -> None:
        self._run = run
        self._body = body
        self._api = api
        self._gate = gate
        self._calls = 0

    async def make(self, retrying: AsyncRetrying) -> RunFinished:
        try:
            return await retrying.copy(before_sleep=self._before_sleep)(self._call)
        except OperatorError as error:
            log.error("model.operator_error", model_id=self._run.model_id, error=str(error))
            return retry_later(self._run, OPERATOR_RETRY_S, attempts=self._calls, error=str(error))
        except RateLimitedError as error:
            wait_s = max(error.retry_after_s or 0.0, self._gate.closed_for_s)
            if wait_s > HOLD_LIMIT_S / 2:
                return retry_later(self._run, wait_s, attempts=self._calls, error=str(error))
            return unmeasured(self._run, error.reason, attempts=self._calls, error=str(error))
        except ModelCallError as error:
            return unmeasured(self._run, error.reason, attempts=self._calls, error=str(error))

    async def _call(self) -> RunFinished:
        await self._gate.wait()
        timeout_s = self._timeout_s()
        if timeout_s <= 0:
            return unmeasured(self._run, UnmeasuredReason.DEADLINE, attempts=self._calls)
        self._calls += 1
        try:
            answer, latency_ms = await self._api.complete(self._body, timeout_s=timeout_s)
        except ModelCallError as error:
            CALLS.labels(model=self._run.model_id, outcome=type(error).__name__).inc()
            raise
        CALLS.labels(model=self._run.model_id, outcome=answer.outcome.value).inc()
        CALL_SECONDS.labels(model=self._run.model_id).observe(latency_ms / 1000)
        return answered(self._run, answer, latency_ms, attempts=self._calls)

    def _before_sleep(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        wait_s = state.next_action.sleep if state.next_action else 0.0
        if isinstance(error, RateLimitedError):
            self._gate.close_for(wait_s)
        RETRIES.labels(model=self._run.model_id).inc()
        log.info("model.retry", model_id=self._run.model_id, error=str(error), wait_s=round(wait_s, 2))

    def _timeout_s(self) -> float:
        remaining_s = (self._run.deadline_at - datetime.now(UTC)).total_seconds() + DEADLINE_GRACE_S
        return min(CALL_TIMEOUT_S, remaining_s)


def _held_too_long(state: RetryCallState) -> bool:
    return time.monotonic() - state.start_time + state.upcoming_sleep > HOLD_LIMIT_S


def answered(run: RunRequested, answer: ModelAnswer, latency_ms: int, *, attempts: int) -> RunFinished:
    fields = answer.model_dump(exclude={"outcome"})
    return finished(run, answer.outcome, latency_ms=latency_ms, attempts=attempts, **fields)


def unmeasured(
    run: RunRequested, reason: UnmeasuredReason, *, attempts: int, error: str | None = None
) -> RunFinished:
    return finished(run, AttemptOutcome.UNMEASURED, unmeasured_reason=reason, attempts=attempts, error=error)


def retry_later(run: RunRequested, wait_s: float, *, attempts: int, error: str | None = None) -> RunFinished:
    retry_at = datetime.now(UTC) + timedelta(seconds=wait_s)
    return finished(run, AttemptOutcome.RETRY_LATER, retry_at=retry_at, attempts=attempts, error=error)


def finished(run: RunRequested, outcome: AttemptOutcome, **fields: Any) -> RunFinished:
    return RunFinished(**run.job_key._asdict(), attempt_token=run.attempt_token, outcome=outcome, **fields)
