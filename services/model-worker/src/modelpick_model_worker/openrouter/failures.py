"""OpenRouter's ways of failing, translated into our errors."""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from modelpick_model_worker.bill import Bill
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
# The fields of `provider` that are the customer's wish, price and privacy; the rest is our request.
_WISHED = re.compile(r"max_price|data_collection|zdr")
_FILTERED = frozenset({"constraint_filtered", "privacy_restricted"})
# Before `availability` came (2026-08-19) only the words told.
_WISHED_IN_WORDS = re.compile(r"no endpoints.*(data policy|max[ _]price)", re.IGNORECASE)


def call_error(
    status: int, error: ApiError, headers: Mapping[str, str], *, bill: Bill | None = None
) -> ModelCallError:
    """Return our error for an answer of that status with that error inside.

    `bill` is None where the status says that nothing was generated.
    """
    message = f"{status}: {error.message or 'no message'}"
    retry_after_s = _retry_after_s(error, headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimitedError(message, retry_after_s=retry_after_s, bill=bill)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED}:
        return OperatorError(message, unauthorized=status == HTTPStatus.UNAUTHORIZED, bill=bill)
    if _is_retryable(status, error):
        return ProviderFailedError(message, retry_after_s=retry_after_s, bill=bill)
    if status == HTTPStatus.NOT_FOUND and _excludes_all(error):
        return NoEndpointError(message, bill=bill)
    return CallRejectedError(message, bill=bill)


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, at most 600; None when it cannot be used.

    Seconds or an HTTP date (RFC 9110, 10.2.3). What is past or negative is None: it says nothing.
    """
    if value is None:
        return None
    seconds = _seconds(value.strip(), now)
    return _bounded(seconds) if seconds is not None else None


def _retry_after_s(error: ApiError, headers: Mapping[str, str]) -> float | None:
    asked_s = parse_retry_after(headers.get("retry-after"), now=datetime.now(UTC))
    stated = error.availability.get("retry_after")
    if asked_s is None and isinstance(stated, int | float) and not isinstance(stated, bool):
        return _bounded(stated)
    return asked_s


def _bounded(seconds: float) -> float | None:
    return min(seconds, MAX_RETRY_AFTER_S) if seconds > 0 and not math.isnan(seconds) else None


def _seconds(value: str, now: datetime) -> float | None:
    with suppress(ValueError):
        seconds = float(value)
        return seconds if math.isfinite(seconds) else None
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()


def _is_retryable(status: int, error: ApiError) -> bool:
    stated = error.availability.get("retryable")
    if isinstance(stated, bool):
        return stated
    return status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _excludes_all(error: ApiError) -> bool:
    reason = error.availability
    if not reason:
        return _WISHED_IN_WORDS.search(error.message or "") is not None
    fields = _constraints(reason)
    if not fields:
        return reason.get("code") in _FILTERED
    return any(_WISHED.search(field) for field in fields)


def _constraints(reason: Mapping[str, Any]) -> list[str]:
    excluded, constraint = reason.get("excluded_by"), reason.get("constraint")
    fields = list(excluded) if isinstance(excluded, list) else []
    if isinstance(constraint, dict):
        fields.append(constraint.get("field"))
    return [field for field in fields if isinstance(field, str)]
