"""Refunds and disputes: what happens to a charge after it was paid."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modelpick_simulators.stripe.checkout import NOBODY, Cause, Checkout
from modelpick_simulators.stripe.entities import Charge, Dispute, DisputeStatus, Refund, RefundStatus
from modelpick_simulators.stripe.errors import StripeError, missing_parameter
from modelpick_simulators.stripe.forms import parameter_name
from modelpick_simulators.stripe.ids import new_id
from modelpick_simulators.stripe.parameters import Metadata
from modelpick_simulators.stripe.payment_objects import charge_object
from modelpick_simulators.stripe.reversal_objects import dispute_object, refund_object

ReasonOfRefund = Literal["duplicate", "fraudulent", "requested_by_customer"]


class RefundParameters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    charge: str | None = None
    payment_intent: str | None = None
    amount: Annotated[int, Field(ge=1)] | None = None
    reason: ReasonOfRefund | None = None
    metadata: Metadata = {}


def refund_parameters(form: Mapping[str, Any]) -> RefundParameters:
    """Check a decoded form. Raises StripeError."""
    try:
        parameters = RefundParameters.model_validate(form)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = parameter_name(first["loc"])
        code = "parameter_unknown" if first["type"] == "extra_forbidden" else None
        raise StripeError(f"Invalid {name}: {first['msg']}", code=code, param=name) from problem
    if parameters.charge is None and parameters.payment_intent is None:
        raise missing_parameter("charge or payment_intent")
    return parameters


class Reversals:
    """Gives charges back and contests them; `next_status` is what becomes of the refunds that follow."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._store = checkout.store
        self.next_status: RefundStatus = "succeeded"

    def create(self, parameters: RefundParameters, cause: Cause) -> Refund:
        charge = self._charge_of(parameters)
        if charge.disputed:
            message = f"Charge {charge.id} has been charged back; cannot issue a refund."
            raise StripeError(message, code="charge_disputed")
        amount = parameters.amount or charge.amount - charge.amount_refunded
        self._check_amount(charge, amount)
        refund = self._refund(charge, amount, parameters)
        charge.amount_refunded += amount
        self._store.add_refund(refund)
        self._checkout.happened("refund.created", refund_object(refund), cause)
        self._checkout.happened("charge.refunded", charge_object(charge), cause)
        if refund.status == "failed":
            self._give_up(refund)
        return refund

    def move(self, refund_id: str, status: RefundStatus) -> Refund:
        """Let a refund go on: one that is pending or succeeded may still fail."""
        refund = self._store.refund(refund_id)
        refund.status = status
        if status == "failed":
            self._give_up(refund)
        else:
            self._checkout.happened("refund.updated", refund_object(refund))
        return refund

    def dispute(self, charge_id: str, reason: str) -> Dispute:
        charge = self._store.charge(charge_id)
        if charge.disputed:
            raise StripeError(f"Charge {charge.id} is disputed already.")
        charge.disputed = True
        dispute = Dispute(
            id=new_id("du"),
            created=int(self._checkout.clock()),
            amount=charge.amount,
            currency=charge.currency,
            charge_id=charge.id,
            payment_intent_id=charge.payment_intent_id,
            reason=reason,
        )
        self._store.add_dispute(dispute)
        self._checkout.happened("charge.dispute.created", dispute_object(dispute))
        self._checkout.happened("charge.dispute.funds_withdrawn", dispute_object(dispute))
        return dispute

    def close_dispute(self, dispute_id: str, status: DisputeStatus) -> Dispute:
        dispute = self._store.dispute(dispute_id)
        dispute.status = status
        if status == "won":
            self._checkout.happened("charge.dispute.funds_reinstated", dispute_object(dispute))
        self._checkout.happened("charge.dispute.closed", dispute_object(dispute))
        return dispute

    def _charge_of(self, parameters: RefundParameters) -> Charge:
        if parameters.charge is not None:
            return self._store.charge(parameters.charge, param="charge")
        intent = self._store.payment_intent(parameters.payment_intent or "", param="payment_intent")
        if intent.latest_charge_id is None:
            message = f"This PaymentIntent ({intent.id}) does not have a successful charge to refund."
            raise StripeError(message, code="payment_intent_unexpected_state", param="payment_intent")
        return self._store.charge(intent.latest_charge_id)

    def _check_amount(self, charge: Charge, amount: int) -> None:
        left = charge.amount - charge.amount_refunded
        if left == 0:
            message = f"Charge {charge.id} has already been refunded."
            raise StripeError(message, code="charge_already_refunded")
        if amount > left:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise StripeError(message, param="amount")

    def _refund(self, charge: Charge, amount: int, parameters: RefundParameters) -> Refund:
        return Refund(
            id=new_id("re"),
            created=int(self._checkout.clock()),
            amount=amount,
            currency=charge.currency,
            charge_id=charge.id,
            payment_intent_id=charge.payment_intent_id,
            reason=parameters.reason,
            metadata=parameters.metadata,
            status=self.next_status,
        )

    def _give_up(self, refund: Refund) -> None:
        """Put the money back where it was: the bank did not take it."""
        self._store.charge(refund.charge_id).amount_refunded -= refund.amount
        refund.failure_reason = "lost_or_stolen_card"
        self._checkout.happened("refund.failed", refund_object(refund), NOBODY)
        self._checkout.happened("refund.updated", refund_object(refund), NOBODY)
