from uuid import UUID

from modelpick_checkout.errors import UnknownSessionError
from modelpick_checkout.orders.gateway import PaymentSession, SessionRequest, SessionState

PREFIX = "cs_mock_"
PLACEHOLDER = "{CHECKOUT_SESSION_ID}"


class MockGateway:
    """No Stripe at all (DEBUG_MOCK_STRIPE): every session is paid from the beginning."""

    async def create(self, request: SessionRequest) -> PaymentSession:
        session_id = f"{PREFIX}{request.order_id.hex}"
        return PaymentSession(
            session_id, SessionState.PAID, request.success_url.replace(PLACEHOLDER, session_id)
        )

    async def retrieve(self, session_id: str) -> PaymentSession:
        try:
            UUID(session_id.removeprefix(PREFIX))
        except ValueError:
            raise UnknownSessionError("this is no session of the mock") from None
        return PaymentSession(session_id, SessionState.PAID, None)

    async def expire(self, session_id: str) -> PaymentSession:
        return await self.retrieve(session_id)

    async def close(self) -> None:
        return
