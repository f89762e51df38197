"""What happens to Checkout Sessions: created, paid, declined, expired, and the events that tell of it."""

from collections.abc import Callable
from dataclasses import dataclass

from modelpick_simulators.stripe.cards import Payment
from modelpick_simulators.stripe.entities import Charge, CheckoutSession, Decline, Event, PaymentIntent
from modelpick_simulators.stripe.errors import StripeError
from modelpick_simulators.stripe.ids import new_id
from modelpick_simulators.stripe.objects import JsonObject, session_object
from modelpick_simulators.stripe.parameters import LONGEST_LIFE_S, SessionParameters
from modelpick_simulators.stripe.payment_objects import charge_object, payment_intent_object
from modelpick_simulators.stripe.store import Clock, Store


@dataclass(frozen=True)
class Cause:
    """The API request behind an event; nothing where a person or the clock was."""

    request_id: str | None = None
    idempotency_key: str | None = None


NOBODY = Cause()
_BANK_REFUSED = Decline(
    "payment_intent_payment_attempt_failed", "The bank refused the payment.", "generic_decline"
)


class NotPayableError(Exception):
    """The session is not open: it was paid, or it expired."""


class DeclinedError(Exception):
    def __init__(self, decline: Decline) -> None:
        super().__init__(decline.message)
        self.decline = decline


class Checkout:
    def __init__(self, store: Store, *, public_url: str, clock: Clock, tell: Callable[[Event], None]) -> None:
        self.store = store
        self.clock = clock
        self._public_url = public_url
        self._tell = tell
        # Payments of banks that answer days later, by session.
        self.asynchronous = False
        self._unsettled: dict[str, Payment] = {}

    def create(self, parameters: SessionParameters) -> CheckoutSession:
        now, session_id = int(self.clock()), new_id("cs_test", 58)
        session = CheckoutSession(
            id=session_id,
            created=now,
            expires_at=parameters.expires_at or now + LONGEST_LIFE_S,
            page_url=f"{self._public_url}/c/pay/{session_id}",
            parameters=parameters,
        )
        self.store.add_session(session)
        return session

    def session(self, session_id: str) -> CheckoutSession:
        self.expire_what_is_due()
        return self.store.session(session_id)

    def expire(self, session_id: str, cause: Cause = NOBODY) -> CheckoutSession:
        session = self.session(session_id)
        if session.status != "open":
            raise StripeError(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{session.status}`.",
            )
        self._expire(session, cause)
        return session

    def expire_what_is_due(self) -> None:
        for session in self.store.open_sessions_due(self.clock()):
            self._expire(session, NOBODY)

    def pay(self, session_id: str, payment: Payment) -> CheckoutSession:
        """Pay once. Raises NotPayableError, DeclinedError; the session stays open after a decline."""
        session = self.session(session_id)
        if session.status != "open":
            raise NotPayableError(session.status)
        intent = self._intent(session)
        if payment.decline is not None:
            intent.last_decline = payment.decline
            self.happened("payment_intent.payment_failed", payment_intent_object(intent))
            raise DeclinedError(payment.decline)
        self._complete(session, intent, payment)
        return session

    def settle(self, session_id: str, *, succeeded: bool) -> CheckoutSession:
        """Let the bank answer to an asynchronous payment. Raises StripeError when none is pending."""
        session = self.session(session_id)
        payment = self._unsettled.pop(session_id, None)
        if payment is None:
            raise StripeError("No payment of this Checkout Session is pending.")
        intent = self._intent(session)
        if succeeded:
            self._succeed(session, intent, payment)
            self.happened("checkout.session.async_payment_succeeded", session_object(session))
        else:
            intent.processing, intent.last_decline = False, _BANK_REFUSED
            self.happened("payment_intent.payment_failed", payment_intent_object(intent))
            self.happened("checkout.session.async_payment_failed", session_object(session))
        return session

    def _expire(self, session: CheckoutSession, cause: Cause) -> None:
        session.status = "expired"
        self.happened("checkout.session.expired", session_object(session), cause)

    def _intent(self, session: CheckoutSession) -> PaymentIntent:
        if session.payment_intent_id is not None:
            return self.store.payment_intent(session.payment_intent_id)
        data = session.parameters.payment_intent_data
        intent = PaymentIntent(
            id=new_id("pi"),
            created=int(self.clock()),
            amount=session.parameters.total_cents,
            currency=session.parameters.currency,
            metadata=data.metadata,
            description=data.description,
            receipt_email=data.receipt_email,
        )
        self.store.add_payment_intent(intent)
        session.payment_intent_id = intent.id
        return intent

    def _complete(self, session: CheckoutSession, intent: PaymentIntent, payment: Payment) -> None:
        session.status, session.payer_email = "complete", payment.email
        if self.asynchronous:
            intent.processing = True
            self._unsettled[session.id] = payment
            self.happened("payment_intent.processing", payment_intent_object(intent))
        else:
            self._succeed(session, intent, payment)
        self.happened("checkout.session.completed", session_object(session))

    def _succeed(self, session: CheckoutSession, intent: PaymentIntent, payment: Payment) -> None:
        charge = self._charge(intent, payment)
        intent.latest_charge_id, intent.payment_method_id = charge.id, f"pm_{charge.id[3:]}"
        intent.last_decline, intent.processing, session.paid = None, False, True
        self.happened("charge.succeeded", charge_object(charge))
        self.happened("payment_intent.succeeded", payment_intent_object(intent))

    def _charge(self, intent: PaymentIntent, payment: Payment) -> Charge:
        charge = Charge(
            id=new_id("ch"),
            created=int(self.clock()),
            amount=intent.amount,
            currency=intent.currency,
            payment_intent_id=intent.id,
            email=payment.email,
            card=payment.card,
            metadata=intent.metadata,
        )
        self.store.add_charge(charge)
        return charge

    def happened(self, event_type: str, snapshot: JsonObject, cause: Cause = NOBODY) -> None:
        event = Event(
            id=new_id("evt"),
            created=int(self.clock()),
            type=event_type,
            snapshot=snapshot,
            request_id=cause.request_id,
            idempotency_key=cause.idempotency_key,
        )
        self.store.add_event(event)
        self._tell(event)
