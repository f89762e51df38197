from modelpick_notifier import repository
from modelpick_notifier.errors import UnknownReportError
from modelpick_notifier.mails import MailRoom, Payment, RenderedMail
from modelpick_notifier.service import Sender
from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import MailRequested, ReportCompleted, ReportFailed, ReportPaid
from modelpick_shared.db import Database


class Handlers:
    """What the notifier does with each message: it stores a mail under its key, and no more."""

    def __init__(self, database: Database, mail_room: MailRoom, sender: Sender) -> None:
        self._database = database
        self._mail_room = mail_room
        self._sender = sender

    async def report_paid(self, message: ReportPaid) -> Verdict:
        return await self._store(self._mail_room.payment_received(await self._payment(message)))

    async def report_completed(self, message: ReportCompleted) -> Verdict:
        return await self._store(self._mail_room.report_ready(message))

    async def report_failed(self, message: ReportFailed) -> Verdict:
        return await self._store(self._mail_room.report_failed(message))

    async def mail_requested(self, message: MailRequested) -> Verdict:
        return await self._store(self._mail_room.requested(message))

    async def _payment(self, message: ReportPaid) -> Payment:
        async with self._database.transaction() as session:
            payment = await repository.find_payment(session, message.report_id)
        if payment is None:
            raise UnknownReportError(f"there is no report {message.report_id}")
        return payment

    async def _store(self, mail: RenderedMail) -> Verdict:
        async with self._database.transaction() as session:
            await repository.add(session, mail)
        self._sender.wake()
        return Verdict.ACK
