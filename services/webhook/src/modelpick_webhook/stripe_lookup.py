import stripe
from pydantic import ValidationError

from modelpick_webhook.errors import PaymentRefusedError, PaymentsUnavailableError, UnknownSessionError
from modelpick_webhook.schemas import CheckoutSession

TIMEOUT_S = 20
MAX_NETWORK_RETRIES = 2

# What asking again later may mend; a key that is refused, the operator must replace.
_TRANSIENT = (
    stripe.APIConnectionError,
    stripe.RateLimitError,
    stripe.AuthenticationError,
    stripe.PermissionError,
)
_SERVER_ERROR = 500


class StripeLookup:
    """Asks Stripe through the official client, in the API version that the client was made for."""

    def __init__(self, secret_key: str, *, api_base: str | None = None) -> None:
        self._http = stripe.HTTPXClient(timeout=TIMEOUT_S)
        self._client = stripe.StripeClient(
            secret_key,
            http_client=self._http,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=MAX_NETWORK_RETRIES,
        )

    async def session(self, session_id: str) -> CheckoutSession:
        try:
            found = await self._client.v1.checkout.sessions.retrieve_async(session_id)
            return CheckoutSession.model_validate(found.to_dict())
        except stripe.StripeError as error:
            raise _translated(error) from error
        except ValidationError as error:
            raise PaymentRefusedError("Stripe's answer is no Checkout Session") from error

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _translated(
    error: stripe.StripeError,
) -> PaymentsUnavailableError | PaymentRefusedError | UnknownSessionError:
    status = error.http_status or _SERVER_ERROR
    if isinstance(error, _TRANSIENT) or status >= _SERVER_ERROR:
        return PaymentsUnavailableError(f"Stripe: {error.__class__.__name__} {status}")
    if error.code == "resource_missing":
        return UnknownSessionError("Stripe has no such session")
    return PaymentRefusedError(f"Stripe: {error.__class__.__name__} {error.code or ''} {status}")
