from typing import Annotated

from fastapi import APIRouter, Depends

from modelpick_checkout.dependencies import CountedCheckout, UsesOrders, existing_id
from modelpick_checkout.orders.schemas import CheckoutRequest, Payable, PaymentView
from modelpick_shared.http.request_body import json_body, takes
from modelpick_shared.http.sessions import CurrentUser

router = APIRouter(prefix="/api/checkout")


@router.post("", openapi_extra=takes(CheckoutRequest))
async def pay(
    user: CurrentUser,
    body: Annotated[CheckoutRequest, Depends(json_body(CheckoutRequest))],
    orders: UsesOrders,
    _: CountedCheckout,
) -> Payable:
    return await orders.pay_for(user, existing_id(body.draft_id))


@router.get("/sessions/{session_id}", response_model_exclude_none=True)
async def status(session_id: str, user: CurrentUser, orders: UsesOrders) -> PaymentView:
    return await orders.status(user.id, session_id)


@router.post("/sessions/{session_id}/cancel", response_model_exclude_none=True)
async def cancel(session_id: str, user: CurrentUser, orders: UsesOrders) -> PaymentView:
    return await orders.cancel(user.id, session_id)
