import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from modelpick_simulators.mail import endpoints
from modelpick_simulators.mail.mailbox import Mailbox
from modelpick_simulators.mail.settings import MailSettings
from modelpick_simulators.mail.smtp import Faults, Postman
from modelpick_simulators.serving import health_router, listening_host


def create_app(settings: MailSettings) -> FastAPI:
    app = FastAPI(title="Mail simulator", openapi_url=None, lifespan=_lifespan)
    app.state.smtp_port = settings.smtp_port
    app.state.mailbox = Mailbox()
    app.state.faults = Faults()
    app.state.templates = endpoints.page_templates()
    app.include_router(endpoints.router)
    app.include_router(health_router())
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    postman = Postman(app.state.mailbox, app.state.faults)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(postman.protocol, listening_host(), app.state.smtp_port)
    yield
    # Not waited for: an idle client would keep its connection, and the process, open.
    server.close()
