"""The error tree of the checkout service.

ModelPickError
├── TransientError
│   ├── DecoderUnavailableError    no process can look at an image for now
│   ├── PaymentsUnavailableError   Stripe did not answer, or refuses us for now
│   └── UnfinishedUploadError      an uploaded file was removed before its row was written
└── PermanentError
    ├── UnsupportedImageError      a file is of no kind that models read
    ├── UnusableImageError         an image is damaged, too large or animated
    ├── PaymentRefusedError        Stripe understood the request and will not do it
    └── UnknownSessionError        Stripe has no such Checkout Session
"""

from modelpick_shared.errors import PermanentError, TransientError


class PaymentsUnavailableError(TransientError):
    """Stripe did not answer, or refuses us for now."""


class DecoderUnavailableError(TransientError):
    """No process can look at an image for now."""


class UnfinishedUploadError(TransientError):
    """An uploaded file was removed before its row was written, which took too long."""


class UnsupportedImageError(PermanentError):
    """A file is of no kind that models read."""


class UnusableImageError(PermanentError):
    """An image is damaged, too large or animated."""


class PaymentRefusedError(PermanentError):
    """Stripe understood the request and will not do it."""


class UnknownSessionError(PermanentError):
    """Stripe has no such Checkout Session."""
