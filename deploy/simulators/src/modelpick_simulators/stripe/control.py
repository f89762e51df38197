"""Levers for tests; Stripe has none of them."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from modelpick_simulators.stripe.desk import Desk, the_desk

router = APIRouter(prefix="/_control")
UsesDesk = Annotated[Desk, Depends(the_desk)]


class Redelivery(BaseModel):
    times: int = Field(default=1, ge=1, le=1000)
    concurrent: bool = False


class WebhookSwitch(BaseModel):
    """`held`: events wait. Once released they go out, `newest_first` if asked. `url`: post them elsewhere."""

    held: bool | None = None
    newest_first: bool = False
    url: str | None = None


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
    if wanted.held is True:
        desk.deliverer.hold()
    if wanted.held is False:
        desk.deliverer.release(newest_first=wanted.newest_first)
    return {"held": desk.deliverer.held, "url": desk.deliverer.url}
