"""Telling browsers that a report has moved. Transient: a lost message is made up for by the next."""

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog

from modelpick_shared.broker import Publisher
from modelpick_shared.contracts import ModelProgress, ReportProgressed
from modelpick_shared.db.tables import Report, ReportModel
from modelpick_shared.errors import BrokerUnavailableError

log = structlog.get_logger()


def progress_of(report: Report, models: Sequence[ReportModel]) -> ReportProgressed:
    """Return a report's counts as they stand."""
    return ReportProgressed(
        report_id=report.id,
        revision=report.revision,
        spent_usd=report.spent_usd,
        models=[
            ModelProgress(
                id=model.model_id,
                total=model.total,
                done=model.done,
                passed=model.passed,
                failed=model.failed,
                unmeasured=model.unmeasured,
            )
            for model in models
            if model.report_id == report.id
        ],
    )


class ProgressFeed:
    """Publishes the newest state of each report that moved, beside the recording and never in its way."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._newest: dict[UUID, ReportProgressed] = {}
        self._woken = asyncio.Event()

    def put(self, progress: Iterable[ReportProgressed]) -> None:
        for message in progress:
            self._newest[message.report_id] = message
        if self._newest:
            self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled; what the broker does not take is dropped."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            newest, self._newest = self._newest, {}
            for message in newest.values():
                try:
                    await self._publisher.send(message, persistent=False)
                except BrokerUnavailableError as error:
                    log.info("progress.dropped", report_id=str(message.report_id), reason=str(error))
