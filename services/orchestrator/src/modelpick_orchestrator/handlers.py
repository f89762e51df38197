from collections.abc import Sequence

from modelpick_orchestrator.service import Engine
from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import ReportPaid, RunFinished


class Handlers:
    """What the orchestrator does with each message."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def report_paid(self, message: ReportPaid) -> Verdict:
        await self._engine.plan(message.report_id)
        return Verdict.ACK

    async def runs_finished(self, messages: Sequence[RunFinished]) -> Verdict:
        await self._engine.record(messages)
        return Verdict.ACK
