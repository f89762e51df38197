"""Run one simulator as a process: one address, one-line logs, a quick clean stop."""

import logging
import os
import signal
import sys
from types import FrameType

import uvicorn
from fastapi import APIRouter, FastAPI

LOOPBACK = "127.0.0.1"
STOP_WITHIN_S = 1


def serve(app: FastAPI, *, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then exit with status 0."""
    # uvicorn raises the signal again once it has stopped: without a handler that would be exit status -15.
    signal.signal(signal.SIGTERM, _exit_cleanly)
    signal.signal(signal.SIGINT, _exit_cleanly)
    _log_one_line_a_record()
    uvicorn.run(
        app,
        host=listening_host(),
        port=port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )


def listening_host() -> str:
    """Return the address to listen on: loopback, unless SIMULATOR_HOST names another, as in containers."""
    return os.environ.get("SIMULATOR_HOST") or LOOPBACK


def health_router() -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return router


def _log_one_line_a_record() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "httpcore", "mail.log"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _exit_cleanly(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
