from collections.abc import AsyncIterator, Awaitable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import stripe
from pydantic import ValidationError

from modelpick_shared import ids
from modelpick_webhook.errors import PaymentRefusedError, PaymentsUnavailableError, UnknownSessionError
from modelpick_webhook.schemas import CheckoutSession, Event, StripeRefund

API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 20
MAX_NETWORK_RETRIES = 2
PAGE = 100
MOST_SESSIONS = 2000
MOST_EVENTS = 1000
ALREADY_REFUNDED = "charge_already_refunded"

# What asking again later may mend; a key that is refused, the operator must replace.
_TRANSIENT = (
    stripe.APIConnectionError,
    stripe.RateLimitError,
    stripe.AuthenticationError,
    stripe.PermissionError,
)
_CONFLICT = 409
_SERVER_ERROR = 500
# What a session does not tell: it stays `paid` when its money has gone back.
_PAYMENT = "payment_intent.latest_charge"
_NEVER_PAID = {"requires_payment_method", "canceled"}

T = TypeVar("T")


class _KeptFailureError(PaymentsUnavailableError):
    """Stripe repeats a failure of its own that it keeps under an idempotency key, for 24 hours or longer."""


class StripeGateway:
    """Asks Stripe through the official client, in one version of its API."""

    def __init__(self, secret_key: str, *, api_base: str | None = None) -> None:
        self._http = stripe.HTTPXClient(timeout=TIMEOUT_S)
        self._client = stripe.StripeClient(
            secret_key,
            http_client=self._http,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=MAX_NETWORK_RETRIES,
            stripe_version=API_VERSION,
        )

    async def session(self, session_id: str) -> CheckoutSession:
        sessions = self._client.v1.checkout.sessions
        return _session(await _asked(sessions.retrieve_async(session_id, {"expand": [_PAYMENT]})))

    async def session_of(self, order_id: UUID, *, since: datetime, until: datetime) -> CheckoutSession | None:
        created = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
        params: Any = {"created": created, "limit": PAGE, "expand": [f"data.{_PAYMENT}"]}
        listed = await _asked(self._client.v1.checkout.sessions.list_async(params))
        seen = 0
        async for each in _all(listed):
            seen += 1
            if (session := _session(each)).order_id == order_id:
                return session
            if seen >= MOST_SESSIONS:
                raise PaymentRefusedError("Stripe: too many sessions to find one by its order")
        return None

    async def undelivered_events(self, types: Iterable[str]) -> AsyncIterator[Event]:
        params: Any = {"delivery_success": False, "types": sorted(types), "limit": PAGE}
        seen = 0
        async for each in _all(await _asked(self._client.v1.events.list_async(params))):
            yield _parsed(Event, each)
            seen += 1
            if seen >= MOST_EVENTS:
                return

    async def refunds(self, payment_intent_id: str) -> list[StripeRefund]:
        params: Any = {"payment_intent": payment_intent_id, "limit": PAGE}
        listed = await _asked(self._client.v1.refunds.list_async(params))
        return [_parsed(StripeRefund, each) for each in listed.data]

    async def refund(
        self, payment_intent_id: str, *, order_id: UUID, attempt: int, tries: int = 1
    ) -> StripeRefund | None:
        params: Any = {
            "payment_intent": payment_intent_id,
            "metadata": {"order_id": str(order_id), "attempt": str(attempt)},
        }
        try:
            return await self._refund(params, ids.refund(payment_intent_id, attempt))
        except _KeptFailureError:
            # Stripe never gives back more than was paid, so that another key makes no second refund.
            return await self._refund(params, ids.refund(payment_intent_id, attempt, again=tries))

    async def _refund(self, params: Any, key: str) -> StripeRefund | None:
        try:
            return _parsed(
                StripeRefund, await self._client.v1.refunds.create_async(params, {"idempotency_key": key})
            )
        except stripe.StripeError as error:
            if error.code == ALREADY_REFUNDED:
                return None
            raise _kept_or_translated(error) from error

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _session(found: stripe.StripeObject) -> CheckoutSession:
    session = _parsed(CheckoutSession, found)
    intent = found.to_dict().get("payment_intent")
    intent = intent if isinstance(intent, dict) else {}
    finished = session.status == "complete" and session.payment_status == "unpaid"
    failed = finished and intent.get("status") in _NEVER_PAID
    return session.model_copy(update={"failed": failed, "gone_back": _gone_back(intent.get("latest_charge"))})


def _gone_back(charge: Any) -> str | None:
    if not isinstance(charge, dict):
        return None
    return "refunded" if charge.get("refunded") else "disputed" if charge.get("disputed") else None


def _parsed(kind: type[T], found: stripe.StripeObject) -> T:
    try:
        parsed: T = kind.model_validate(found.to_dict())  # type: ignore[attr-defined]
    except ValidationError as error:
        raise PaymentRefusedError(f"Stripe's answer is no {kind.__name__}") from error
    return parsed


async def _all(listed: Any) -> AsyncIterator[Any]:
    """Go through all pages of a list, with Stripe's errors as ours."""
    try:
        async for each in listed.auto_paging_iter():
            yield each
    except stripe.StripeError as error:
        raise _translated(error) from error


async def _asked(call: Awaitable[T]) -> T:
    try:
        return await call
    except stripe.StripeError as error:
        raise _translated(error) from error


def _kept_or_translated(error: stripe.StripeError) -> Exception:
    headers = error.headers or {}
    kept = (error.http_status or 0) >= _SERVER_ERROR and headers.get("idempotent-replayed") == "true"
    translated = _translated(error)
    return _KeptFailureError(str(translated)) if kept else translated


def _translated(
    error: stripe.StripeError,
) -> PaymentsUnavailableError | PaymentRefusedError | UnknownSessionError:
    status = error.http_status or _SERVER_ERROR
    described = f"Stripe: {error.__class__.__name__} {error.code or ''} {status}"
    if isinstance(error, _TRANSIENT) or status == _CONFLICT or status >= _SERVER_ERROR:
        return PaymentsUnavailableError(described)
    if error.code == "resource_missing":
        return UnknownSessionError(f"{described}: there is no such object")
    return PaymentRefusedError(described)
