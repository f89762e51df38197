"""The notifier's errors, in the tree of `modelpick_shared.errors`.

TransientError
└── MailUnavailableError     the mail service is away, overloaded, or does not know us: try again
    └── MailUncertainError   nobody knows whether the mail was taken: try again under the same key
PermanentError
├── MailRefusedError         it will never take this mail
├── InvalidMailError         what was asked for cannot be made a mail
├── UnknownReportError       a message is about a report that does not exist
├── InvalidSignatureError    a webhook request that the mail service did not sign, or not now
└── InvalidEventError        a signed webhook request that is no event
"""

from modelpick_shared.errors import PermanentError, TransientError


class MailUnavailableError(TransientError):
    """The mail was not taken now; `retry_after_s` is when the service wants to be asked again."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class MailUncertainError(MailUnavailableError):
    """The mail was handed over, and the answer never came or does not tell: it may have been taken."""


class MailRefusedError(PermanentError):
    """The mail will never be taken, above all because its recipient does not exist."""


class InvalidMailError(PermanentError):
    """A mail lacks a field, or an address could break out of its header."""


class UnknownReportError(PermanentError):
    """There is no report of that id."""


class InvalidSignatureError(PermanentError):
    """The signature is missing, wrong, too old or from the future."""


class InvalidEventError(PermanentError):
    """The body does not fit the mail service's description of its events."""
