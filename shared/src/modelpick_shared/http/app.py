import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI

from modelpick_shared.http import problems
from modelpick_shared.http.health import ReadinessCheck, health_router
from modelpick_shared.http.middleware import OriginCheck, Telemetry
from modelpick_shared.http.stalled_bodies import StalledBodies

log = structlog.get_logger()

ServiceApp = FastAPI
CANCEL_AGAIN_S = 0.5
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    *,
    title: str,
    site_url: str,
    lifespan: Lifespan,
    readiness: ReadinessCheck,
    routers: Sequence[APIRouter] = (),
    on_stopping: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Build a service's HTTP application: its routes, and what all services share around them.

    `on_stopping` is called before the server waits for the requests that still run.
    """
    # A redirect would name the Host that the request claims, and http:// behind a gateway that speaks https://.
    app = FastAPI(title=title, lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.on_stopping = on_stopping
    problems.install(app)
    app.add_middleware(StalledBodies)
    app.add_middleware(OriginCheck, site_url=site_url)
    app.add_middleware(Telemetry)
    app.include_router(health_router(readiness))
    for router in routers:
        app.include_router(router)
    return app


@asynccontextmanager
async def background(**loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run loops that never end beside the block.

    One that ends all the same stops the whole process (SIGTERM to itself), so that it is seen and restarted.
    """
    tasks = [asyncio.create_task(_watch(name, loop), name=name) for name, loop in loops.items()]
    try:
        yield
    finally:
        await _stop(tasks)
        for loop in loops.values():
            loop.close()  # one that was cancelled before its first step was never awaited


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: a connection that fails at that very moment may swallow a cancellation."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)


async def _watch(name: str, loop: Coroutine[Any, Any, None]) -> None:
    try:
        await loop
    except Exception:
        log.exception("background.failed", loop=name)
    else:
        log.error("background.ended", loop=name)
    os.kill(os.getpid(), signal.SIGTERM)
