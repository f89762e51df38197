import asyncio
import base64
import email
import email.policy
from email.message import EmailMessage

import httpx
import pytest
from aiosmtpd.smtp import SMTP

from modelpick_notifier.transport import ResendTransport
from modelpick_simulators.mail.app import create_app
from modelpick_simulators.mail.settings import MailSettings


class Postbox:
    """An SMTP server in this process that can be away, refuse, and lose connections after accepting."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        self.recipient_answer = "250 OK"
        self.data_answer = "250 OK"
        self.hangs_up = False
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _protocol(self) -> SMTP:
        return SMTP(self, hostname="localhost", loop=asyncio.get_running_loop())

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - as above
        if self.data_answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        if self.hangs_up:
            server.transport.abort()
            await asyncio.Event().wait()  # until the lost connection cancels this
        return self.data_answer


@pytest.fixture
async def postbox():
    postbox = Postbox()
    await postbox.open()
    yield postbox
    await postbox.close()


WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of the webhook").decode()


class Resend:
    """Resend's simulator in this process; what it tells of mails goes to `told`, once that is set."""

    def __init__(self, app, client) -> None:
        self.app = app
        self.client = client
        self.desk = app.state.resend

    def transport(self, **options) -> ResendTransport:
        over = httpx.ASGITransport(app=self.app)
        return ResendTransport("re_1", base_url="http://resend.test", http_transport=over, **options)

    async def inbox(self) -> list[dict]:
        return (await self.client.get("/api/mails")).json()["items"]

    async def fails(self, mode, **more) -> None:
        answer = await self.client.post("/_control/resend/faults", json={"mode": mode, **more})
        answer.raise_for_status()

    async def emails(self) -> list[dict]:
        return (await self.client.get("/_control/resend/emails")).json()["items"]


class Later(httpx.AsyncBaseTransport):
    """Leads to an application that comes to be known later."""

    app = None

    async def handle_async_request(self, request):
        return await httpx.ASGITransport(app=self.app).handle_async_request(request)


@pytest.fixture
def told() -> Later:
    return Later()


@pytest.fixture
async def resend(told):
    settings = MailSettings(
        simulator_port=1,
        smtp_port=0,
        resend_rate_limit=0,
        resend_api_key="re_1",
        resend_webhook_secret=WEBHOOK_SECRET,
        resend_webhook_url="http://notifier.test/api/webhooks/resend",
    )
    app = create_app(settings, webhook_transport=told)
    over = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=over, base_url="http://resend.test") as client,
    ):
        yield Resend(app, client)
