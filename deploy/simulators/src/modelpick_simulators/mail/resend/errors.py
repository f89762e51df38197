"""Resend's errors, by the names and codes of https://resend.com/docs/api-reference/errors."""

from http import HTTPStatus

_MESSAGES: dict[str, tuple[HTTPStatus, str]] = {
    "missing_api_key": (HTTPStatus.UNAUTHORIZED, "Missing API key in the authorization header"),
    "invalid_api_key": (HTTPStatus.FORBIDDEN, "API key is invalid"),
    "not_found": (HTTPStatus.NOT_FOUND, "The requested endpoint does not exist"),
    "method_not_allowed": (HTTPStatus.METHOD_NOT_ALLOWED, "This endpoint does not support this method"),
    "invalid_idempotency_key": (
        HTTPStatus.BAD_REQUEST,
        "The key must be between 1-256 chars. Retry with a valid key or without supplying an idempotency key",
    ),
    "invalid_idempotent_request": (
        HTTPStatus.CONFLICT,
        "Same idempotency key used with a different request payload. Change the key or the payload",
    ),
    "concurrent_idempotent_requests": (
        HTTPStatus.CONFLICT,
        "Same idempotency key used while the original request is still in progress. Try again later",
    ),
    "missing_required_field": (HTTPStatus.UNPROCESSABLE_ENTITY, "Missing a required field"),
    "validation_error": (HTTPStatus.UNPROCESSABLE_ENTITY, "A field is invalid"),
    "rate_limit_exceeded": (
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests. Please limit the number of requests per second",
    ),
    "daily_quota_exceeded": (HTTPStatus.TOO_MANY_REQUESTS, "You have reached your daily email sending quota"),
    "application_error": (HTTPStatus.INTERNAL_SERVER_ERROR, "An unexpected error occurred"),
}


class ResendError(Exception):
    """An error answer: `{statusCode, name, message}`."""

    def __init__(self, name: str, message: str | None = None, headers: dict[str, str] | None = None) -> None:
        self.status, standard = _MESSAGES[name]
        self.headers = headers or {}
        self.body = {"statusCode": int(self.status), "name": name, "message": message or standard}
        super().__init__(self.body["message"])
