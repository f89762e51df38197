"""Levers for tests; Resend has none of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, status
from pydantic import BaseModel, Field

from modelpick_simulators.mail.resend.delivery import Event
from modelpick_simulators.mail.resend.desk import Desk, the_desk
from modelpick_simulators.mail.resend.events import EventType, event_of
from modelpick_simulators.mail.resend.faults import Fault, FaultMode

router = APIRouter(prefix="/_control/resend")
UsesDesk = Annotated[Desk, Depends(the_desk)]


class FaultSwitch(BaseModel):
    mode: FaultMode
    count: int | None = Field(default=None, ge=1)
    delay_ms: int = Field(default=0, ge=0, le=60_000)
    retry_after_s: int | None = Field(default=None, ge=0)


class WebhookSwitch(BaseModel):
    """`held`: events wait, and once released go out, `newest_first` if asked. The rest is the deliverer's."""

    held: bool | None = None
    newest_first: bool = False
    url: str | None = None
    copies: int | None = Field(default=None, ge=1, le=100)
    delay_ms: int | None = Field(default=None, ge=0, le=60_000)


class Redelivery(BaseModel):
    times: int = Field(default=1, ge=1, le=1000)
    concurrent: bool = False


class NewEvent(BaseModel):
    type: EventType


@router.post("/faults", status_code=status.HTTP_204_NO_CONTENT)
async def switch_faults(wanted: FaultSwitch, desk: UsesDesk) -> None:
    desk.fault = Fault(wanted.mode, wanted.count, wanted.delay_ms, wanted.retry_after_s)


@router.get("/emails")
async def emails(desk: UsesDesk) -> dict[str, list[dict[str, Any]]]:
    return {"items": [email.as_json() for email in desk.outgoing.emails.values()]}


@router.post("/emails/{email_id}/events", status_code=status.HTTP_201_CREATED)
async def happen(email_id: str, wanted: NewEvent, desk: UsesDesk) -> dict[str, str]:
    """Let something happen to a mail: it bounces, somebody complains."""
    if email_id not in desk.outgoing.emails:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such mail")
    event = event_of(desk.outgoing.emails[email_id], wanted.type)
    desk.deliverer.submit(event)
    return {"id": event.id}


@router.get("/events")
async def events(desk: UsesDesk, email_id: str | None = None) -> dict[str, list[dict[str, Any]]]:
    found = desk.deliverer.events.values()
    return {"items": [_as_json(each) for each in found if email_id in {None, each.body["data"]["email_id"]}]}


@router.post("/events/{event_id}/deliver")
async def deliver(
    event_id: str, desk: UsesDesk, wanted: Redelivery | None = None
) -> dict[str, list[int | None]]:
    if event_id not in desk.deliverer.events:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such event")
    wanted = wanted or Redelivery()
    event = desk.deliverer.events[event_id]
    statuses = await desk.deliverer.redeliver(event, times=wanted.times, concurrent=wanted.concurrent)
    return {"statuses": statuses}


@router.put("/webhook")
async def switch_webhook(wanted: WebhookSwitch, desk: UsesDesk) -> dict[str, Any]:
    deliverer = desk.deliverer
    for name in ("url", "copies", "delay_ms"):
        if (value := getattr(wanted, name)) is not None:
            setattr(deliverer, name, value)
    if wanted.held is True:
        deliverer.hold()
    if wanted.held is False:
        deliverer.release(newest_first=wanted.newest_first)
    return {
        "held": deliverer.held,
        "url": deliverer.url,
        "copies": deliverer.copies,
        "delay_ms": deliverer.delay_ms,
    }


def _as_json(event: Event) -> dict[str, Any]:
    return {"id": event.id, "type": event.type, "statuses": event.statuses, "body": event.body}
