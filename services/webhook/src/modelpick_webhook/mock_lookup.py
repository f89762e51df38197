from uuid import UUID

from modelpick_shared.db import Database
from modelpick_webhook import repository
from modelpick_webhook.errors import UnknownSessionError
from modelpick_webhook.gateway import MOCK_PREFIX
from modelpick_webhook.schemas import CheckoutSession


class MockLookup:
    """No Stripe at all (DEBUG_MOCK_STRIPE): whatever checkout made a session for counts as paid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def session(self, session_id: str) -> CheckoutSession:
        async with self._database.transaction() as session:
            order = await repository.find_order(session, _order_id(session_id))
        if order is None:
            raise UnknownSessionError("this is no session of the mock")
        return CheckoutSession(
            id=session_id,
            status="complete",
            payment_status="paid",
            amount_total=order.amount_cents,
            currency=order.currency,
            livemode=False,
            metadata={"order_id": str(order.id)},
        )

    async def close(self) -> None:
        return


def _order_id(session_id: str) -> UUID:
    try:
        return UUID(session_id.removeprefix(MOCK_PREFIX))
    except ValueError:
        raise UnknownSessionError("this is no session of the mock") from None
