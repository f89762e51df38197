from collections.abc import Awaitable
from typing import TypeVar

import stripe
from stripe.checkout import Session
from stripe.params.checkout import SessionCreateParams

from modelpick_checkout.errors import PaymentRefusedError, PaymentsUnavailableError, UnknownSessionError
from modelpick_checkout.orders.gateway import PaymentSession, SessionRequest, SessionState
from modelpick_shared import ids

API_VERSION = "2026-10-28.endive"
TIMEOUT_S = 20
MAX_NETWORK_RETRIES = 2
PRODUCT_NAME = "ModelPick report"

# What asking again later may mend: the network, Stripe's own trouble, too many requests at once, and a key
# that the operator must replace.
_TRANSIENT = (
    stripe.APIConnectionError,
    stripe.RateLimitError,
    stripe.AuthenticationError,
    stripe.PermissionError,
)
_CONFLICT = 409
_SERVER_ERROR = 500

T = TypeVar("T")


class StripeGateway:
    """Stripe Checkout through the official client, in one version of its API."""

    def __init__(self, secret_key: str, *, api_base: str | None = None) -> None:
        self._http = stripe.HTTPXClient(timeout=TIMEOUT_S)
        self._client = stripe.StripeClient(
            secret_key,
            http_client=self._http,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=MAX_NETWORK_RETRIES,
            stripe_version=API_VERSION,
        )

    async def create(self, request: SessionRequest) -> PaymentSession:
        key = ids.checkout_session(request.order_id)
        sessions = self._client.v1.checkout.sessions
        return _seen(await _asked(sessions.create_async(_parameters(request), {"idempotency_key": key})))

    async def retrieve(self, session_id: str) -> PaymentSession:
        return _seen(await _asked(self._client.v1.checkout.sessions.retrieve_async(session_id)))

    async def expire(self, session_id: str) -> PaymentSession:
        try:
            return _seen(await _asked(self._client.v1.checkout.sessions.expire_async(session_id)))
        except PaymentRefusedError:
            return await self.retrieve(session_id)

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _parameters(request: SessionRequest) -> SessionCreateParams:
    metadata = {
        "order_id": str(request.order_id),
        "draft_id": str(request.draft_id),
        "user_id": str(request.user_id),
    }
    return {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency,
                    "unit_amount": request.amount_cents,
                    "product_data": {"name": PRODUCT_NAME},
                },
            }
        ],
        # Cards are settled at once: no session is complete and yet unpaid.
        "allowed_payment_method_types": ["card"],
        # The price is asked for as it is: a payment in another currency would be one that nobody can fulfil.
        "adaptive_pricing": {"enabled": False},
        "client_reference_id": str(request.draft_id),
        "customer_email": request.email,
        "expires_at": int(request.expires_at.timestamp()),
        "metadata": metadata,
        # Stripe does not copy a session's metadata to its payment intent, where refunds are looked up.
        "payment_intent_data": {"metadata": metadata, "receipt_email": request.email},
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }


def _seen(session: Session) -> PaymentSession:
    return PaymentSession(session.id, _state(session), session.url)


def _state(session: Session) -> SessionState:
    if session.status == "complete":
        return SessionState.PENDING if session.payment_status == "unpaid" else SessionState.PAID
    return SessionState.EXPIRED if session.status == "expired" else SessionState.OPEN


async def _asked(call: Awaitable[T]) -> T:
    """Await a call, with Stripe's errors as ours."""
    try:
        return await call
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise UnknownSessionError("Stripe has no such session") from error
        raise _translated(error) from error
    except stripe.StripeError as error:
        raise _translated(error) from error


def _translated(error: stripe.StripeError) -> PaymentsUnavailableError | PaymentRefusedError:
    status = error.http_status or _SERVER_ERROR
    described = f"Stripe: {error.__class__.__name__} {error.code or ''} {status}"
    if isinstance(error, _TRANSIENT) or status == _CONFLICT or status >= _SERVER_ERROR:
        return PaymentsUnavailableError(described)
    return PaymentRefusedError(f"{described}: {error.user_message or ''}")
