"""Levers for tests; Stripe has none of them."""

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from modelpick_simulators.stripe.desk import Desk, the_desk
from modelpick_simulators.stripe.entities import DisputeStatus, RefundStatus
from modelpick_simulators.stripe.objects import session_object
from modelpick_simulators.stripe.reversal_objects import dispute_object, refund_object

router = APIRouter(prefix="/_control")
UsesDesk = Annotated[Desk, Depends(the_desk)]


class Redelivery(BaseModel):
    times: int = Field(default=1, ge=1, le=1000)
    concurrent: bool = False


class WebhookSwitch(BaseModel):
    """`held`: events wait. Once released they go out, `newest_first` if asked. `url`: post them elsewhere.

    The rest are mishaps, see `Mishaps`; what is not given stays as it is.
    """

    held: bool | None = None
    newest_first: bool = False
    url: str | None = None
    copies: Annotated[int, Field(ge=1, le=100)] | None = None
    delay_s: Annotated[float, Field(ge=0, le=3600)] | None = None
    shuffle: bool | None = None
    failing: Annotated[int, Field(ge=0)] | None = None


class Settlement(BaseModel):
    succeeded: bool = True


class PaymentSwitch(BaseModel):
    """`asynchronous`: payments that follow complete their session unpaid, and wait for the bank."""

    asynchronous: bool


class RefundSwitch(BaseModel):
    """`status`: what becomes of the refunds that follow."""

    status: RefundStatus


class NewDispute(BaseModel):
    payment_intent: str
    reason: str = "fraudulent"


class DisputeEnd(BaseModel):
    status: DisputeStatus = "lost"


class ApiTrouble(BaseModel):
    """See `Outage`."""

    count: int = Field(ge=0)
    status: int = Field(default=500, ge=400, le=599)
    path: str = "/v1"
    after: bool = False
    kept: bool = False


@router.post("/events/{event_id}/deliver")
async def deliver(
    event_id: str, desk: UsesDesk, wanted: Redelivery | None = None
) -> dict[str, list[int | None]]:
    wanted = wanted or Redelivery()
    event = desk.store.event(event_id)
    statuses = await desk.deliverer.redeliver(event, times=wanted.times, concurrent=wanted.concurrent)
    return {"statuses": statuses}


@router.get("/deliveries")
async def deliveries(desk: UsesDesk, event_id: str | None = None) -> dict[str, list[dict[str, Any]]]:
    attempts = [asdict(each) for each in desk.store.deliveries if event_id in {None, each.event_id}]
    return {"items": attempts}


@router.put("/webhook")
async def switch_webhook(wanted: WebhookSwitch, desk: UsesDesk) -> dict[str, Any]:
    if wanted.url is not None:
        desk.deliverer.url = wanted.url
    mishaps = wanted.model_dump(include={"copies", "delay_s", "shuffle", "failing"}, exclude_none=True)
    desk.deliverer.mishaps = replace(desk.deliverer.mishaps, **mishaps)
    if wanted.held is True:
        desk.deliverer.hold()
    if wanted.held is False:
        desk.deliverer.release(newest_first=wanted.newest_first)
    return {"held": desk.deliverer.held, "url": desk.deliverer.url, **asdict(desk.deliverer.mishaps)}


@router.put("/payments")
async def switch_payments(wanted: PaymentSwitch, desk: UsesDesk) -> PaymentSwitch:
    desk.checkout.asynchronous = wanted.asynchronous
    return wanted


@router.post("/payments/{session_id}/settle")
async def settle_payment(session_id: str, desk: UsesDesk, wanted: Settlement | None = None) -> dict[str, Any]:
    wanted = wanted or Settlement()
    return session_object(desk.checkout.settle(session_id, succeeded=wanted.succeeded))


@router.put("/refunds")
async def switch_refunds(wanted: RefundSwitch, desk: UsesDesk) -> RefundSwitch:
    desk.reversals.next_status = wanted.status
    return wanted


@router.post("/refunds/{refund_id}")
async def move_refund(refund_id: str, wanted: RefundSwitch, desk: UsesDesk) -> dict[str, Any]:
    return refund_object(desk.reversals.move(refund_id, wanted.status))


@router.post("/disputes")
async def open_dispute(wanted: NewDispute, desk: UsesDesk) -> dict[str, Any]:
    intent = desk.store.payment_intent(wanted.payment_intent)
    return dispute_object(desk.reversals.dispute(intent.latest_charge_id or "", wanted.reason))


@router.post("/disputes/{dispute_id}/close")
async def close_dispute(dispute_id: str, desk: UsesDesk, wanted: DisputeEnd | None = None) -> dict[str, Any]:
    wanted = wanted or DisputeEnd()
    return dispute_object(desk.reversals.close_dispute(dispute_id, wanted.status))


@router.put("/api")
async def trouble_api(wanted: ApiTrouble, desk: UsesDesk) -> ApiTrouble:
    desk.outage.plan(**wanted.model_dump())
    return wanted
