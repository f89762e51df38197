"""Running jobs: what is needed before a call can be made, and the model's gate."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from modelpick_model_worker import results
from modelpick_model_worker.attempt import OPERATOR_RETRY_S, Attempt, Means
from modelpick_model_worker.gate import ModelGate
from modelpick_model_worker.openrouter.body import DataUrl, RequestBody, request_body
from modelpick_shared.contracts import ImageRef, RunFinished, RunRequested, UnmeasuredReason
from modelpick_shared.errors import PermanentError, TransientError
from modelpick_shared.telemetry.models import model_label


class ModelRunner:
    """Makes one attempt at a job, with the retries that the worker does by itself.

    `prefetches` are the calls that may be in flight, by model.
    """

    def __init__(
        self,
        means: Means,
        image_address: Callable[[ImageRef], Awaitable[bytes | DataUrl]],
        *,
        prefetches: Mapping[str, int],
    ) -> None:
        self._means = means
        self._image_address = image_address
        self._gates = {model: ModelGate(model, most, means.backoff) for model, most in prefetches.items()}

    async def run(self, run: RunRequested) -> RunFinished:
        """Return the attempt's result; whatever fails becomes an outcome."""
        if self._means.clock.now() >= run.lease_ends_at:
            return results.not_started(run)
        if self._means.guard.stops(run):
            return self._later(run, UnmeasuredReason.PLATFORM, "the key does not work")
        attempt = Attempt(run, self._gate_of(run), self._means)
        try:
            body = await self._body_of(run)
        except TransientError as error:
            return self._later(run, None, str(error))
        except PermanentError as error:
            return results.unmeasured(run, UnmeasuredReason.PLATFORM, attempts=0, error=str(error))
        return await attempt.make(body)

    def stop_waiting(self, model_id: str | None = None) -> None:
        """End at once the jobs of a model that wait for its gate or for a retry; calls in flight go on.

        They come back as `not_started`, or as `retry_later` when a call was made. Without a model all jobs
        end so, those that begin later too: the worker drains.
        """
        if model_id is not None:
            self._gates[model_id].stop_waiting(for_good=False)
            return
        for gate in self._gates.values():
            gate.stop_waiting(for_good=True)

    def _gate_of(self, run: RunRequested) -> ModelGate:
        gate = self._gates.get(run.model_id)
        if gate is None:
            gate = self._gates[run.model_id] = ModelGate(model_label(run.model_id), 1, self._means.backoff)
        return gate

    async def _body_of(self, run: RunRequested) -> RequestBody:
        return request_body(run, await self._image_address(run.image))

    def _later(self, run: RunRequested, reason: UnmeasuredReason | None, error: str) -> RunFinished:
        retry_at = self._means.clock.now() + timedelta(seconds=OPERATOR_RETRY_S)
        return results.retry_later(run, reason, retry_at=retry_at, attempts=0, error=error)
