"""Sending what is stored: each mail until it is taken, refused, or of no use any more."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

import structlog

from modelpick_notifier import outcomes, repository
from modelpick_notifier.errors import MailRefusedError, MailUnavailableError
from modelpick_notifier.metrics import MAILS, PENDING, UNKNOWN
from modelpick_notifier.outcomes import BACKOFF_BASE_S, Attempt
from modelpick_notifier.transport import MailTransport, OutgoingMail
from modelpick_shared.broker.connection import backoff_s
from modelpick_shared.db import Database
from modelpick_shared.db.tables import Email
from modelpick_shared.errors import TransientError
from modelpick_shared.telemetry import bind_report, continue_trace, traces_are_recorded
from modelpick_shared.telemetry.tracing import TRACEPARENT

log = structlog.get_logger()

POLL_S = 2.0
# Another replica may be sending what is due.
LEAST_WAIT_S = 0.1
# Longer than any attempt takes. When the process dies in between, the mail is tried again after this.
CLAIM = timedelta(seconds=20)
# A mail service that is overloaded says when to come back; longer waits are each mail's own.
LONGEST_REST_S = 60.0


class Sender:
    """Sends due mails one by one; replicas share them out by claims.

    An attempt is stored before it begins, and its result afterwards. A crash in between leaves a mail of
    unknown result, which is sent again with the same key, Message-ID and text.
    """

    def __init__(
        self,
        database: Database,
        transport: MailTransport,
        *,
        sender: str,
        backoff_base_s: float = BACKOFF_BASE_S,
    ) -> None:
        self._database = database
        self._transport = transport
        self._sender = sender
        self._backoff_base_s = backoff_base_s
        self._woken = asyncio.Event()
        self._sending = asyncio.Lock()
        self._rests_until = 0.0

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
        """Try the mail that is due the longest; return False when none is due, or the service wants rest."""
        async with self._sending:
            if time.monotonic() < self._rests_until:
                return False
            attempt = await self._claim()
            if attempt is None:
                return False
            if attempt.result is None:
                attempt = await self._try_traced(attempt)
        MAILS.labels(template=attempt.mail.template, result=attempt.result).inc()
        return True

    async def _claim(self) -> Attempt | None:
        """Store that the next due mail is being tried, or end it when it may not be tried any more."""
        async with self._database.transaction() as session:
            mail = await repository.take_due(session)
            if mail is None:
                return None
            now = await repository.database_time(session)
            return outcomes.begin(mail, now, claim=CLAIM, repeatable_for=self._transport.repeatable_for)

    async def _try_traced(self, attempt: Attempt) -> Attempt:
        """Try in the trace of the report that the mail is about, with its id in the logs."""
        with bind_report(attempt.mail.report_id):
            if not traces_are_recorded():
                return await self._try(attempt)
            headers = await self._trace_of(attempt.mail)
            with continue_trace(f"send mail {attempt.mail.template}", headers):
                return await self._try(attempt)

    async def _trace_of(self, mail: Email) -> dict[str, str]:
        async with self._database.transaction() as session:
            traceparent = await repository.trace_of(session, mail.report_id)
        return {TRACEPARENT: traceparent} if traceparent else {}

    async def _try(self, attempt: Attempt) -> Attempt:
        """Send, and store the result unless another attempt has begun meanwhile."""
        error: MailRefusedError | MailUnavailableError | None = None
        provider_id: str | None = None
        try:
            provider_id = await self._transport.send(self._outgoing(attempt.mail))
        except (MailRefusedError, MailUnavailableError) as failure:
            error = failure
            self._rest(failure)
        async with self._database.transaction() as session:
            mail = await repository.lock(session, attempt.mail.key)
            now = await repository.database_time(session)
            return outcomes.end(
                attempt, mail, now, error=error, provider_id=provider_id, backoff_base_s=self._backoff_base_s
            )

    def _rest(self, error: MailRefusedError | MailUnavailableError) -> None:
        if isinstance(error, MailUnavailableError) and error.retry_after_s is not None:
            self._rests_until = time.monotonic() + min(LONGEST_REST_S, error.retry_after_s)

    async def _wait_s(self) -> float:
        async with self._database.transaction() as session:
            backlog = await repository.backlog(session)
        PENDING.set(backlog.pending)
        UNKNOWN.set(backlog.unknown)
        due_in_s = POLL_S if backlog.next_attempt_in_s is None else backlog.next_attempt_in_s
        rest_s = self._rests_until - time.monotonic()
        return min(POLL_S, max(LEAST_WAIT_S, due_in_s, rest_s))

    def _outgoing(self, mail: Email) -> OutgoingMail:
        return OutgoingMail(
            key=mail.key,
            message_id=mail.message_id,
            # A mail that an earlier release stored names no sender.
            sender=mail.sender or self._sender,
            recipient=mail.recipient,
            subject=mail.subject,
            text=mail.text_body or "",
            html=mail.html_body or "",
            written_at=mail.created_at,
        )
