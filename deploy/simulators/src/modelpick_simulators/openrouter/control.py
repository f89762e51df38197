"""Levers for tests; OpenRouter has none of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, status
from fastapi.responses import JSONResponse

from modelpick_simulators.openrouter.desk import Desk, the_desk
from modelpick_simulators.openrouter.faults import all_modes
from modelpick_simulators.openrouter.journal import costs_by_user
from modelpick_simulators.openrouter.scripts import Script

UsesDesk = Annotated[Desk, Depends(the_desk)]
router = APIRouter(prefix="/_control")


@router.get("/journal")
async def journal(desk: UsesDesk, model: str | None = None, user: str | None = None) -> JSONResponse:
    calls = desk.journal.selected(model=model, user=user)
    # A plain response: validating thousands of calls would hold up the calls in flight.
    return JSONResponse(
        {
            "calls": [call.as_json() for call in calls],
            "in_flight": dict(desk.journal.in_flight),
            "max_in_flight": dict(desk.journal.max_in_flight),
            "cost_usd": float(sum(call.cost_usd for call in calls)),
            "cost_usd_by_user": costs_by_user(calls),
        }
    )


@router.post("/reset", status_code=status.HTTP_204_NO_CONTENT)
async def reset(desk: UsesDesk) -> None:
    desk.reset()


@router.post("/script", status_code=status.HTTP_204_NO_CONTENT)
async def add_script(script: Script, desk: UsesDesk) -> None:
    desk.scripts.add(script)


@router.get("/script")
async def list_scripts(desk: UsesDesk) -> dict[str, list[Script]]:
    return {"items": desk.scripts.listed()}


@router.get("/modes")
async def list_modes() -> dict[str, Any]:
    return {"items": [*all_modes(), "status:NNN"]}
