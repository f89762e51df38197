from modelpick_reports.documents import Documents
from modelpick_reports.hub import Hub
from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import ReportCompleted, ReportFailed, ReportProgressed

ReportMoved = ReportProgressed | ReportCompleted | ReportFailed


class Handlers:
    """What the service does with each message: it looks at the report, whatever the message says."""

    def __init__(self, hub: Hub, documents: Documents) -> None:
        self._hub = hub
        self._documents = documents

    async def report_moved(self, message: ReportMoved) -> Verdict:
        self._hub.moved(message.report_id)
        return Verdict.ACK

    async def report_ended(self, message: ReportCompleted | ReportFailed) -> Verdict:
        """Make the document before the first reader comes; once it is stored, again does nothing."""
        await self._documents.prepare(message.report_id)
        return Verdict.ACK
