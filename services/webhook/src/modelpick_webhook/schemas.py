"""What we read of Stripe's events and objects. All else is ignored, whatever API version sent it."""

from enum import StrEnum
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, ValidationError

from modelpick_webhook.errors import InvalidEventError

M = TypeVar("M", bound=BaseModel)
Metadata = dict[str, str] | None


def _id_of(value: object) -> object:
    """Return the id of an object that may be expanded."""
    return value.get("id") if isinstance(value, dict) else value


Reference = Annotated[str | None, Field(max_length=255), BeforeValidator(_id_of)]


class CheckoutSession(BaseModel):
    """A Checkout Session as Stripe describes it; amounts are in the currency's smallest unit.

    `failed`: the customer has finished, and the payment that was to follow has failed. `gone_back`: the
    payment was "refunded" or "disputed", as far as who described the session knows.
    """

    id: str = Field(max_length=255)
    status: str | None = None
    payment_status: str
    amount_total: int | None = None
    currency: str | None = None
    livemode: bool | None = None
    metadata: Metadata = None
    payment_intent: Reference = None
    failed: bool = False
    gone_back: str | None = None

    @property
    def paid(self) -> bool:
        return self.status in {None, "complete"} and self.payment_status != "unpaid"

    @property
    def over(self) -> bool:
        """Say whether this session will never be paid."""
        return self.status == "expired" or self.failed

    @property
    def order_id(self) -> UUID | None:
        """Return the order that this session was made for; None when it is not one of ours."""
        return order_id_in(self.metadata)


class Charge(BaseModel):
    """`refunded`: the whole amount was given back."""

    id: str = Field(max_length=255)
    payment_intent: Reference = None
    amount: int
    amount_refunded: int = 0
    refunded: bool = False
    metadata: Metadata = None


class RefundState(StrEnum):
    """Where a refund stands; see `modelpick_shared.db.payments.Refund`."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_REFUND_STATES = {
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}


class StripeRefund(BaseModel):
    """A refund as Stripe describes it."""

    id: str = Field(max_length=255)
    payment_intent: Reference = None
    amount: int
    status: str | None = None
    failure_reason: str | None = None
    metadata: Metadata = None

    @property
    def state(self) -> RefundState:
        return _REFUND_STATES.get(self.status or "", RefundState.PENDING)

    @property
    def attempt(self) -> str | None:
        """Return which of our attempts made it; None when it was made elsewhere."""
        return (self.metadata or {}).get("attempt")


class StripeDispute(BaseModel):
    id: str = Field(max_length=255)
    payment_intent: Reference = None
    amount: int
    reason: str | None = None
    status: str

    @property
    def closed(self) -> bool:
        return self.status in {"won", "lost", "warning_closed", "prevented"}


class EventData(BaseModel):
    object: JsonValue


class Event(BaseModel):
    object: Literal["event"] = "event"
    id: str = Field(min_length=1, max_length=255)
    type: str = Field(max_length=255)
    livemode: bool | None = None
    created: JsonValue = None
    data: EventData

    def session(self) -> CheckoutSession:
        """Return the Checkout Session that the event is about. Raises InvalidEventError."""
        session = object_of(self, CheckoutSession)
        return session.model_copy(update={"livemode": self._livemode(session)})

    def _livemode(self, session: CheckoutSession) -> bool | None:
        """Return what event and session agree on; None, which is neither mode, when they contradict."""
        stated = {self.livemode, session.livemode} - {None}
        return stated.pop() if len(stated) == 1 else None


def object_of(event: Event, kind: type[M]) -> M:
    """Return the object that an event is about. Raises InvalidEventError when it is of another kind."""
    try:
        return kind.model_validate(event.data.object)
    except ValidationError as error:
        raise InvalidEventError(f"the event's object is no {kind.__name__}") from error


def order_id_in(metadata: Metadata) -> UUID | None:
    try:
        return UUID((metadata or {}).get("order_id", ""))
    except ValueError:
        return None


def parse_event(body: bytes) -> Event:
    """Read the body of a verified request. Raises InvalidEventError."""
    try:
        return Event.model_validate_json(body)
    except ValidationError as error:
        raise InvalidEventError("the body is no event of Stripe's") from error
