from collections.abc import Sequence

from modelpick_orchestrator.service import Engine
from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import (
    ReportCancelRequested,
    ReportPaid,
    ReportResumeRequested,
    RunFinished,
    RunReplayRequested,
)


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

    async def replay_requested(self, message: RunReplayRequested) -> Verdict:
        await self._engine.replay(message)
        return Verdict.ACK

    async def resume_requested(self, message: ReportResumeRequested) -> Verdict:
        await self._engine.resume(message.report_id)
        return Verdict.ACK

    async def cancel_requested(self, message: ReportCancelRequested) -> Verdict:
        await self._engine.cancel(message.report_id)
        return Verdict.ACK
