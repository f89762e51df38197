"""The notifier's errors, in the tree of `modelpick_shared.errors`.

TransientError
└── MailUnavailableError     the mail service is away, overloaded, or does not know us: try again
PermanentError
├── MailRefusedError         it will never take this mail
└── InvalidMailError         what was asked for cannot be made a mail
"""

from modelpick_shared.errors import PermanentError, TransientError


class MailUnavailableError(TransientError):
    """The mail was not taken now; `retry_after_s` is when the service wants to be asked again."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class MailRefusedError(PermanentError):
    """The mail will never be taken, above all because its recipient does not exist."""


class InvalidMailError(PermanentError):
    """A mail lacks a field, or an address could break out of its header."""
