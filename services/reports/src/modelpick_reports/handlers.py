from modelpick_reports.hub import Hub
from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import ReportCompleted, ReportFailed, ReportProgressed

ReportMoved = ReportProgressed | ReportCompleted | ReportFailed


class Handlers:
    """What the service does with each message: it looks at the report, whatever the message says."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def report_moved(self, message: ReportMoved) -> Verdict:
        self._hub.moved(message.report_id)
        return Verdict.ACK
