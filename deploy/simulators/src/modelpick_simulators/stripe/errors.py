"""What Stripe answers when it does not do what it was asked."""

from typing import Any


class StripeError(Exception):
    """An error body of the API, with its HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        fields = {"code": code, "message": message, "param": param, "type": kind}
        self.body: dict[str, Any] = {
            "error": {name: value for name, value in fields.items() if value is not None}
        }


def no_such(kind: str, object_id: str, *, param: str = "id") -> StripeError:
    message = f"No such {kind}: '{object_id}'"
    # Stripe answers 404 for the object of the address, 400 for one that a parameter names.
    status = 404 if param in {"id", "intent", "session"} else 400
    return StripeError(message, status=status, code="resource_missing", param=param)


def missing_parameter(name: str) -> StripeError:
    return StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unknown_parameter(name: str) -> StripeError:
    return StripeError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
