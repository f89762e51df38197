"""Server-sent events: how a report moves, live."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from modelpick_reports.dependencies import UsesParts, WatchedReport
from modelpick_reports.hub import State

router = APIRouter(prefix="/api/reports")


# FastAPI sends a comment after 15 s of silence by itself.
@router.get("/{report_id}/events", response_class=EventSourceResponse)
async def events(report_id: WatchedReport, parts: UsesParts) -> AsyncIterator[ServerSentEvent]:
    """Send a snapshot first, whatever the browser saw before, and end with the report or the service."""
    with parts.hub.watch(report_id) as watch:
        name = "snapshot"
        while (state := await watch.next()) is not None:
            if name == "snapshot" or not state.ended:
                yield _event(name, state)
            if state.ended:
                yield _event("complete", state)
                return
            name = "progress"


def _event(name: str, state: State) -> ServerSentEvent:
    return ServerSentEvent(event=name, raw_data=state.body, id=str(state.revision))
