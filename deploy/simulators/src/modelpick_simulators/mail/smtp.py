"""The SMTP side."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from modelpick_simulators.mail.mailbox import Mailbox

FaultMode = Literal["none", "refuse", "drop_after_accept"]
LARGEST_MAIL_BYTES = 32 * 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass
class Faults:
    """What happens to the next `count` mails; to all of them without a count."""

    mode: FaultMode = "none"
    count: int | None = None

    def take(self) -> FaultMode:
        mode = self.mode
        if self.count is not None:
            self.count -= 1
            if self.count <= 0:
                self.mode, self.count = "none", None
        return mode


class Postman:
    """Takes mails from SMTP clients into the mailbox."""

    def __init__(self, mailbox: Mailbox, faults: Faults) -> None:
        self._mailbox = mailbox
        self._faults = faults

    async def handle_DATA(  # noqa: N802 - aiosmtpd finds handlers by this name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        mode = self._faults.take()
        if mode == "refuse":
            return "451 4.3.0 Try again later"
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = self._mailbox.receive(content, list(envelope.rcpt_tos))
        _log.info("mail %d: %d recipients", mail.id, len(mail.recipients))
        if mode == "drop_after_accept":
            await _drop_connection(server)
        return f"250 2.0.0 OK, kept as {mail.id}"

    def protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            enable_SMTPUTF8=True,
            data_size_limit=LARGEST_MAIL_BYTES,
            loop=asyncio.get_running_loop(),
        )


async def _drop_connection(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
    await asyncio.Event().wait()  # until the lost connection cancels this
