"""The error tree of the demo.

LocalError
└── DemoError
    ├── RefusedError   the site refused a request; says what and why
    └── TooLateError   what was waited for did not come in time
"""

from modelpick_local.errors import LocalError


class DemoError(LocalError):
    """The story could not be told to its end."""


class RefusedError(DemoError):
    """The site refused a request; `status` is the HTTP status."""

    def __init__(self, request: str, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(f"{request} was answered with {status}: {detail}")


class TooLateError(DemoError):
    """What was waited for did not come in time."""
