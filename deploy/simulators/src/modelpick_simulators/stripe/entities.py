"""What the simulator keeps: sessions, payments, events. How they look outside is in objects.py."""

from dataclasses import dataclass
from typing import Any, Literal

from modelpick_simulators.stripe.parameters import SessionParameters

SessionStatus = Literal["open", "complete", "expired"]
RefundStatus = Literal["pending", "succeeded", "failed", "canceled"]
DisputeStatus = Literal["needs_response", "under_review", "won", "lost"]


@dataclass(frozen=True)
class Card:
    number: str
    exp_month: int
    exp_year: int

    @property
    def last4(self) -> str:
        return self.number[-4:]


@dataclass(frozen=True)
class Decline:
    """What the bank says when it refuses a card."""

    code: str
    message: str
    reason: str


@dataclass
class Charge:
    id: str
    created: int
    amount: int
    currency: str
    payment_intent_id: str
    email: str
    card: Card
    metadata: dict[str, str]
    amount_refunded: int = 0
    disputed: bool = False


@dataclass
class PaymentIntent:
    id: str
    created: int
    amount: int
    currency: str
    metadata: dict[str, str]
    description: str | None
    receipt_email: str | None
    payment_method_id: str | None = None
    latest_charge_id: str | None = None
    last_decline: Decline | None = None
    processing: bool = False

    @property
    def status(self) -> str:
        if self.processing:
            return "processing"
        return "succeeded" if self.latest_charge_id else "requires_payment_method"


@dataclass
class CheckoutSession:
    id: str
    created: int
    expires_at: int
    page_url: str
    parameters: SessionParameters
    status: SessionStatus = "open"
    payment_intent_id: str | None = None
    payer_email: str | None = None
    paid: bool = False

    @property
    def success_url(self) -> str:
        return self.parameters.success_url.replace("{CHECKOUT_SESSION_ID}", self.id)


@dataclass
class Refund:
    id: str
    created: int
    amount: int
    currency: str
    charge_id: str
    payment_intent_id: str
    reason: str | None
    metadata: dict[str, str]
    status: RefundStatus
    failure_reason: str | None = None


@dataclass
class Dispute:
    id: str
    created: int
    amount: int
    currency: str
    charge_id: str
    payment_intent_id: str
    reason: str
    status: DisputeStatus = "needs_response"


@dataclass
class Event:
    id: str
    created: int
    type: str
    snapshot: dict[str, Any]
    request_id: str | None = None
    idempotency_key: str | None = None
    delivered: bool = False


@dataclass(frozen=True)
class DeliveryAttempt:
    event_id: str
    event_type: str
    attempt: int
    at: float
    status: int | None
    error: str | None
    duration_ms: float
    manual: bool = False
