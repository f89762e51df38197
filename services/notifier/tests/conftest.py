import asyncio
import email
import email.policy
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP


class Postbox:
    """An SMTP server in this process that can be away, refuse, and lose connections after accepting."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        self.recipient_answer = "250 OK"
        self.data_answer = "250 OK"
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
        return self.data_answer


@pytest.fixture
async def postbox():
    postbox = Postbox()
    await postbox.open()
    yield postbox
    await postbox.close()
