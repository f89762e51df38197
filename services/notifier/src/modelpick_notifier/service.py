"""Sending what is stored: each mail until it is taken, refused, or of no use any more."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from modelpick_notifier import repository
from modelpick_notifier.errors import MailRefusedError, MailUnavailableError
from modelpick_notifier.mails import SIGN_IN
from modelpick_notifier.metrics import MAILS, PENDING
from modelpick_notifier.transport import MailTransport, OutgoingMail
from modelpick_shared.broker.connection import backoff_s
from modelpick_shared.db import Database
from modelpick_shared.db.tables import Email
from modelpick_shared.errors import TransientError

log = structlog.get_logger()

POLL_S = 2.0
# Another replica may be sending what is due.
LEAST_WAIT_S = 0.1
BACKOFF_BASE_S = 1.0
BACKOFF_LIMIT_S = 300.0
# Sign-in links expire after this; mails about reports are worth sending whenever it becomes possible.
SIGN_IN_LIFETIME = timedelta(minutes=15)


class Sender:
    """Sends due mails one by one; replicas share them out by row locks."""

    def __init__(
        self, database: Database, transport: MailTransport, *, backoff_base_s: float = BACKOFF_BASE_S
    ) -> None:
        self._database = database
        self._transport = transport
        self._backoff_base_s = backoff_base_s
        self._woken = asyncio.Event()
        self._sending = asyncio.Lock()

    def wake(self) -> None:
        """Look for due mails now; called after a commit."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled."""
        failures = 0
        while True:
            self._woken.clear()
            try:
                while await self.send_next():
                    pass
                wait_s = await self._wait_s()
                failures = 0
            except TransientError as error:
                log.warning("mail.database_retry", reason=str(error))
                failures += 1
                wait_s = backoff_s(failures)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()

    async def drain(self, timeout_s: float) -> None:
        """Start no further mail, and let the one in hand be taken."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._sending.acquire()

    async def send_next(self) -> bool:
        """Try the mail that is due the longest; return False when none is due.

        Its row stays locked until the result is stored. A crash in between sends it again, with the same
        key and Message-ID.
        """
        async with self._sending, self._database.transaction() as session:
            mail = await repository.take_due(session)
            if mail is None:
                return False
            result = await self._try(mail, await repository.database_time(session))
        MAILS.labels(template=mail.template, result=result).inc()
        return True

    async def _try(self, mail: Email, now: datetime) -> str:
        if _is_too_late(mail, now):
            return _give_up(mail, "expired")
        try:
            await self._transport.send(_outgoing(mail))
        except MailRefusedError as error:
            log.warning("mail.refused", key=mail.key, reason=str(error))
            mail.last_error = str(error)
            return _give_up(mail, "refused")
        except MailUnavailableError as error:
            return self._put_off(mail, error, now)
        mail.state, mail.sent_at = "sent", now
        mail.attempts += 1
        _erase(mail)
        return "sent"

    def _put_off(self, mail: Email, error: MailUnavailableError, now: datetime) -> str:
        wait_s = backoff_s(mail.attempts, base_s=self._backoff_base_s, limit_s=BACKOFF_LIMIT_S)
        if error.retry_after_s is not None:
            wait_s = min(BACKOFF_LIMIT_S, max(wait_s, error.retry_after_s))
        log.warning("mail.put_off", key=mail.key, attempts=mail.attempts + 1, reason=str(error))
        mail.attempts += 1
        mail.last_error = str(error)
        mail.next_attempt_at = now + timedelta(seconds=wait_s)
        return "put_off"

    async def _wait_s(self) -> float:
        async with self._database.transaction() as session:
            pending, next_attempt_in_s = await repository.backlog(session)
        PENDING.set(pending)
        return POLL_S if next_attempt_in_s is None else min(POLL_S, max(LEAST_WAIT_S, next_attempt_in_s))


def _is_too_late(mail: Email, now: datetime) -> bool:
    return mail.template == SIGN_IN and now >= mail.created_at + SIGN_IN_LIFETIME


def _give_up(mail: Email, result: str) -> str:
    log.error("mail.failed", key=mail.key, template=mail.template, result=result)
    mail.state = "failed"
    mail.attempts += 1
    mail.last_error = mail.last_error or result
    _erase(mail)
    return result


def _erase(mail: Email) -> None:
    if mail.erase_body:
        mail.text_body = mail.html_body = None


def _outgoing(mail: Email) -> OutgoingMail:
    return OutgoingMail(
        key=mail.key,
        message_id=mail.message_id,
        recipient=mail.recipient,
        subject=mail.subject,
        text=mail.text_body or "",
        html=mail.html_body or "",
    )
