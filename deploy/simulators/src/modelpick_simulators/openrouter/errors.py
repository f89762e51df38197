"""What OpenRouter answers when it does not generate."""

from typing import Any

ERROR_TYPES = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    413: "payload_too_large",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    500: "server",
    502: "provider_unavailable",
    503: "provider_overloaded",
    504: "timeout",
    524: "timeout",
    529: "provider_overloaded",
}
_DOCS = "https://openrouter.ai/docs/errors"


class OpenRouterError(Exception):
    """An error body with its HTTP status, which is also the error's code."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        error_type: str | None = None,
        availability: dict[str, Any] | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {"Retry-After": retry_after} if retry_after is not None else {}
        kind = error_type or ERROR_TYPES.get(status, "unmapped")
        error = {"code": status, "message": message, "metadata": {"error_type": kind}}
        if availability is not None:
            error["availability"] = availability
        self.body: dict[str, Any] = {"error": error}


def availability(
    code: str, model_id: str, *, retryable: bool = False, constraint: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Say why no endpoint can serve a model; `constraint` is a request field and what is wrong with it."""
    field, detail = constraint or (None, None)
    return {
        "code": code,
        "retryable": retryable,
        "retry_after": None,
        "requested_models": [model_id],
        "affected_providers": [],
        "excluded_by": [field] if field else [],
        "fallback_models": [],
        "constraint": {"field": field, "detail": detail} if field else None,
        "docs_url": _DOCS,
    }


def constraint_filtered(model_id: str, field: str, detail: str) -> OpenRouterError:
    message = f"No endpoints found for {model_id} that meet the requirements of the request: {detail}"
    reason = availability("constraint_filtered", model_id, constraint=(field, detail))
    return OpenRouterError(404, message, availability=reason)
