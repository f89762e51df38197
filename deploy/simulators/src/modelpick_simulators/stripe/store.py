from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from modelpick_simulators.stripe.entities import (
    Charge,
    CheckoutSession,
    DeliveryAttempt,
    Dispute,
    Event,
    PaymentIntent,
    Refund,
)
from modelpick_simulators.stripe.errors import no_such

Clock = Callable[[], float]
_T = TypeVar("_T")


@dataclass
class Store:
    """Everything the simulator knows, in memory, oldest first."""

    sessions: dict[str, CheckoutSession] = field(default_factory=dict)
    payment_intents: dict[str, PaymentIntent] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    deliveries: list[DeliveryAttempt] = field(default_factory=list)

    def add_session(self, session: CheckoutSession) -> None:
        self.sessions[session.id] = session

    def session(self, session_id: str) -> CheckoutSession:
        return _found(self.sessions, session_id, "checkout.session", "session")

    def open_sessions_due(self, now: float) -> list[CheckoutSession]:
        return [each for each in self.sessions.values() if each.status == "open" and each.expires_at <= now]

    def add_payment_intent(self, intent: PaymentIntent) -> None:
        self.payment_intents[intent.id] = intent

    def payment_intent(self, intent_id: str, *, param: str = "intent") -> PaymentIntent:
        return _found(self.payment_intents, intent_id, "payment_intent", param)

    def add_charge(self, charge: Charge) -> None:
        self.charges[charge.id] = charge

    def charge(self, charge_id: str, *, param: str = "id") -> Charge:
        return _found(self.charges, charge_id, "charge", param)

    def add_refund(self, refund: Refund) -> None:
        self.refunds[refund.id] = refund

    def refund(self, refund_id: str) -> Refund:
        return _found(self.refunds, refund_id, "refund", "id")

    def add_dispute(self, dispute: Dispute) -> None:
        self.disputes[dispute.id] = dispute

    def dispute(self, dispute_id: str) -> Dispute:
        return _found(self.disputes, dispute_id, "dispute", "id")

    def add_event(self, event: Event) -> None:
        self.events[event.id] = event

    def event(self, event_id: str) -> Event:
        return _found(self.events, event_id, "event", "id")

    def add_delivery(self, attempt: DeliveryAttempt) -> None:
        self.deliveries.append(attempt)


def _found(objects: dict[str, _T], object_id: str, kind: str, param: str) -> _T:
    if object_id not in objects:
        raise no_such(kind, object_id, param=param)
    return objects[object_id]
