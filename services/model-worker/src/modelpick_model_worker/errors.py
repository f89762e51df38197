"""Why a model call gave no answer, or was not made.

CallNotMadeError
├── HeldBackError           the model's gate stays closed, or its line is too long, for too long
├── StoppedWaitingError     the worker no longer waits at the model's gate
├── LeaseEndedError         the attempt waited longer than it may
└── DeadlinePassedError     the report no longer waits for an answer
ModelCallError
├── RetryableCallError      the same call may succeed later
│   ├── RateLimitedError    429: the model's gate closes
│   └── ProviderFailedError 408, 5xx, the network, a broken or empty body, an error inside a 200
├── CallTimedOutError       the call took longer than it may
├── CallRejectedError       4xx: the same call cannot succeed
│   └── NoEndpointError     no endpoint of the model fits the price cap or the data policy
└── OperatorError           401, 402: the key or its credit, which is nobody's fault but ours
"""

from modelpick_model_worker.bill import Bill
from modelpick_shared.contracts import UnmeasuredReason
from modelpick_shared.errors import ModelPickError


class CallNotMadeError(ModelPickError):
    """Base: no call was made, so there is nothing to bill."""


class HeldBackError(CallNotMadeError):
    def __init__(self, opens_in_s: float) -> None:
        super().__init__(f"the model is rate limited for another {opens_in_s:.0f} s")
        self.opens_in_s = opens_in_s


class StoppedWaitingError(CallNotMadeError):
    def __init__(self) -> None:
        super().__init__("the worker gave the job back")


class LeaseEndedError(CallNotMadeError):
    def __init__(self) -> None:
        super().__init__("the attempt's lease ended before its call")


class DeadlinePassedError(CallNotMadeError):
    def __init__(self) -> None:
        super().__init__("the report's deadline passed before the call")


class ModelCallError(ModelPickError):
    """Base. `reason` is what the report says if nothing better comes.

    `bill` is None where the call certainly was not billed; an empty one where nobody can say.
    """

    reason = UnmeasuredReason.PROVIDER_ERROR

    def __init__(self, message: str, *, bill: Bill | None = None) -> None:
        super().__init__(message)
        self.bill = bill


class RetryableCallError(ModelCallError):
    def __init__(self, message: str, *, retry_after_s: float | None = None, bill: Bill | None = None) -> None:
        super().__init__(message, bill=bill)
        self.retry_after_s = retry_after_s


class RateLimitedError(RetryableCallError):
    reason = UnmeasuredReason.RATE_LIMITED


class ProviderFailedError(RetryableCallError):
    pass


class CallTimedOutError(ModelCallError):
    reason = UnmeasuredReason.TIMEOUT


class CallRejectedError(ModelCallError):
    pass


class NoEndpointError(CallRejectedError):
    reason = UnmeasuredReason.PRICE


class OperatorError(ModelCallError):
    """`unauthorized`: the key itself is refused (401), not its credit, so that free models fail as well."""

    reason = UnmeasuredReason.PLATFORM

    def __init__(self, message: str, *, unauthorized: bool, bill: Bill | None = None) -> None:
        super().__init__(message, bill=bill)
        self.unauthorized = unauthorized
