"""OpenRouter's ways of failing, translated into our errors."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from modelpick_model_worker.errors import (
    CallRejectedError,
    ModelCallError,
    NoEndpointError,
    OperatorError,
    ProviderFailedError,
    RateLimitedError,
)
from modelpick_model_worker.openrouter.schemas import ApiError

MAX_RETRY_AFTER_S = 600.0
_NO_ENDPOINT = frozenset({"no_endpoints", "constraint_filtered", "privacy_restricted"})


def call_error(status: int, error: ApiError, headers: Mapping[str, str]) -> ModelCallError:
    """Return our error for an answer of that status with that error inside."""
    message = f"{status}: {error.message or 'no message'}"
    retry_after_s = parse_retry_after(headers.get("retry-after"), now=datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimitedError(message, retry_after_s=retry_after_s)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProviderFailedError(message, retry_after_s=retry_after_s)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED}:
        return OperatorError(message)
    if error.availability.get("code") in _NO_ENDPOINT:
        return NoEndpointError(message)
    if error.availability.get("retryable") is True:
        return ProviderFailedError(message, retry_after_s=retry_after_s)
    return CallRejectedError(message)


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, at most 600; None when it cannot be used.

    Seconds or an HTTP date (RFC 9110, 10.2.3). What is past or negative is None: it says nothing.
    """
    if value is None:
        return None
    seconds = _seconds(value.strip(), now)
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        return None
    return min(seconds, MAX_RETRY_AFTER_S)


def _seconds(value: str, now: datetime) -> float | None:
    try:
        return float(value)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
