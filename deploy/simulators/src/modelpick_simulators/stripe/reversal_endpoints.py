"""The part of Stripe's API about charges, refunds and disputes."""

from typing import Any

from fastapi import Request, Response

from modelpick_simulators.stripe.answering import UsesDesk, answer, api_router, once, only_expand
from modelpick_simulators.stripe.checkout import Cause
from modelpick_simulators.stripe.forms import decode_form
from modelpick_simulators.stripe.listing import created_within, listed
from modelpick_simulators.stripe.objects import JsonObject
from modelpick_simulators.stripe.payment_objects import charge_object
from modelpick_simulators.stripe.refunds import refund_parameters
from modelpick_simulators.stripe.reversal_objects import dispute_object, refund_object

router = api_router()


@router.get("/charges/{charge_id}")
async def retrieve_charge(charge_id: str, request: Request, desk: UsesDesk) -> Response:
    only_expand(decode_form(request.url.query))
    return answer(charge_object(desk.store.charge(charge_id)))


@router.post("/refunds")
async def create_refund(request: Request, desk: UsesDesk) -> Response:
    def create(form: dict[str, Any], cause: Cause) -> JsonObject:
        form.pop("expand", None)
        return refund_object(desk.reversals.create(refund_parameters(form), cause))

    return await once(request, desk, create)


@router.get("/refunds")
async def list_refunds(request: Request, desk: UsesDesk) -> Response:
    found = listed(
        desk.store.refunds.values(),
        decode_form(request.url.query),
        filters={
            "charge": lambda refund, wanted: refund.charge_id == wanted,
            "created": created_within,
            "payment_intent": lambda refund, wanted: refund.payment_intent_id == wanted,
        },
        render=refund_object,
        url="/v1/refunds",
    )
    return answer(found)


@router.get("/refunds/{refund_id}")
async def retrieve_refund(refund_id: str, request: Request, desk: UsesDesk) -> Response:
    only_expand(decode_form(request.url.query))
    return answer(refund_object(desk.store.refund(refund_id)))


@router.get("/disputes")
async def list_disputes(request: Request, desk: UsesDesk) -> Response:
    found = listed(
        desk.store.disputes.values(),
        decode_form(request.url.query),
        filters={
            "charge": lambda dispute, wanted: dispute.charge_id == wanted,
            "created": created_within,
            "payment_intent": lambda dispute, wanted: dispute.payment_intent_id == wanted,
        },
        render=dispute_object,
        url="/v1/disputes",
    )
    return answer(found)


@router.get("/disputes/{dispute_id}")
async def retrieve_dispute(dispute_id: str, request: Request, desk: UsesDesk) -> Response:
    only_expand(decode_form(request.url.query))
    return answer(dispute_object(desk.store.dispute(dispute_id)))
