"""Why a model call gave no answer.

ModelCallError
├── RetryableCallError      the same call may succeed later
│   ├── RateLimitedError    429: the model's gate closes
│   └── ProviderFailedError 408, 5xx, the network, a broken or empty body, an error inside a 200
├── CallTimedOutError       the call took longer than it may
├── CallRejectedError       4xx: the same call cannot succeed
│   └── NoEndpointError     no endpoint of the model fits the price cap or the data policy
└── OperatorError           401, 402: the key or its credit, which is nobody's fault but ours
"""

from modelpick_shared.contracts import UnmeasuredReason
from modelpick_shared.errors import ModelPickError


class ModelCallError(ModelPickError):
    """Base. `reason` is what the report says if nothing better comes."""

    reason = UnmeasuredReason.PROVIDER_ERROR


class RetryableCallError(ModelCallError):
    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
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
    reason = UnmeasuredReason.PLATFORM
