"""The error tree of the webhook service.

ModelPickError
├── TransientError
│   └── PaymentsUnavailableError   Stripe did not answer, or refuses us for now
└── PermanentError
    ├── InvalidSignatureError      a request is not signed by Stripe, or not now
    ├── InvalidEventError          a signed body is no event
    ├── PaymentRefusedError        Stripe understood the request and will not do it
    └── UnknownSessionError        there is no such Checkout Session
"""

from modelpick_shared.errors import PermanentError, TransientError


class PaymentsUnavailableError(TransientError):
    """Stripe did not answer, or refuses us for now."""


class InvalidSignatureError(PermanentError):
    """A request is not signed by Stripe, or not now."""


class InvalidEventError(PermanentError):
    """A signed body is no event."""


class PaymentRefusedError(PermanentError):
    """Stripe understood the request and will not do it."""


class UnknownSessionError(PermanentError):
    """There is no such Checkout Session."""
