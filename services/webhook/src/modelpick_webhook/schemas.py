"""What we read of Stripe's events and sessions. All else is ignored, whatever API version sent it."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue, ValidationError

from modelpick_webhook.errors import InvalidEventError


class CheckoutSession(BaseModel):
    """A Checkout Session as Stripe describes it; amounts are in the currency's smallest unit."""

    id: str = Field(max_length=255)
    status: str | None = None
    payment_status: str
    amount_total: int | None = None
    currency: str | None = None
    livemode: bool | None = None
    metadata: dict[str, str] | None = None
    payment_intent: str | None = None

    @property
    def paid(self) -> bool:
        return self.status in {None, "complete"} and self.payment_status != "unpaid"

    @property
    def order_id(self) -> UUID | None:
        """Return the order that this session was made for; None when it is not one of ours."""
        try:
            return UUID((self.metadata or {}).get("order_id", ""))
        except ValueError:
            return None


class EventData(BaseModel):
    object: JsonValue


class Event(BaseModel):
    object: Literal["event"] = "event"
    id: str = Field(min_length=1, max_length=255)
    type: str = Field(max_length=255)
    livemode: bool | None = None
    data: EventData

    def session(self) -> CheckoutSession:
        """Return the Checkout Session that the event is about. Raises InvalidEventError."""
        try:
            session = CheckoutSession.model_validate(self.data.object)
        except ValidationError as error:
            raise InvalidEventError("the event's object is no Checkout Session") from error
        return session.model_copy(update={"livemode": self._livemode(session)})

    def _livemode(self, session: CheckoutSession) -> bool | None:
        """Return what event and session agree on; None, which is neither mode, when they contradict."""
        stated = {self.livemode, session.livemode} - {None}
        return stated.pop() if len(stated) == 1 else None


def parse_event(body: bytes) -> Event:
    """Read the body of a verified request. Raises InvalidEventError."""
    try:
        return Event.model_validate_json(body)
    except ValidationError as error:
        raise InvalidEventError("the body is no event of Stripe's") from error
