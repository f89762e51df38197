import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import httpx
from fastapi import FastAPI

from modelpick_simulators.mail import endpoints
from modelpick_simulators.mail.mailbox import Mailbox
from modelpick_simulators.mail.resend import control as resend_control
from modelpick_simulators.mail.resend import endpoints as resend_endpoints
from modelpick_simulators.mail.resend.app import new_desk
from modelpick_simulators.mail.resend.errors import ResendError
from modelpick_simulators.mail.settings import MailSettings
from modelpick_simulators.mail.smtp import Faults, Postman
from modelpick_simulators.serving import health_router, listening_host

WEBHOOK_TIMEOUT_S = 15


def create_app(
    settings: MailSettings,
    *,
    clock: Callable[[], float] = time.time,
    webhook_transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """Build the simulator; `clock` tells the time in seconds since 1970."""
    app = FastAPI(title="Mail simulator", openapi_url=None, lifespan=_lifespan)
    app.state.smtp_port = settings.smtp_port
    app.state.mailbox = Mailbox()
    app.state.faults = Faults()
    app.state.templates = endpoints.page_templates()
    app.state.client = httpx.AsyncClient(timeout=WEBHOOK_TIMEOUT_S, transport=webhook_transport)
    app.state.resend = new_desk(settings, app.state.mailbox, app.state.client, clock=clock)
    app.add_exception_handler(ResendError, resend_endpoints.refuse)
    for router in (endpoints.router, resend_endpoints.router, resend_control.router, health_router()):
        app.include_router(router)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    postman = Postman(app.state.mailbox, app.state.faults)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(postman.protocol, listening_host(), app.state.smtp_port)
    yield
    # Not waited for: an idle client would keep its connection, and the process, open.
    server.close()
    await app.state.resend.deliverer.stop()
    await app.state.client.aclose()
