"""The engine: every change of a report's state is one transaction of one of these methods."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_orchestrator import repository
from modelpick_orchestrator.completion import complete, is_complete
from modelpick_orchestrator.dispatch import DEADLINE_GRACE, Dispatcher
from modelpick_orchestrator.progress import ProgressFeed, progress_of
from modelpick_orchestrator.recording import Recorder
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_orchestrator.snapshots import Snapshots
from modelpick_shared.catalog import Catalog
from modelpick_shared.contracts import JobKey, ReportProgressed, RunFinished, UnmeasuredReason
from modelpick_shared.db import Database, Outbox
from modelpick_shared.db.tables import Report
from modelpick_shared.errors import PermanentError

log = structlog.get_logger()


class UnknownReportError(PermanentError):
    """A message speaks of a report that is not in the database."""


class Engine:
    """Plans, dispatches, records and completes reports."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        settings: OrchestratorSettings,
        catalog: Catalog,
        feed: ProgressFeed,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._snapshots = Snapshots()
        self._dispatcher = Dispatcher(settings, catalog, self._snapshots, outbox)
        self._feed = feed

    async def plan(self, report_id: UUID) -> None:
        """Write a paid report's plan, once, and start it if there is room. Raises UnknownReportError."""
        async with self._database.transaction() as session:
            active = await repository.lock_active_reports(session, also=[report_id])
            report = next((report for report in active if report.id == report_id), None)
            if report is None:
                raise UnknownReportError(f"no report {report_id}")
            if not await repository.is_planned(session, report_id):
                await self._insert_plan(session, report)
            await self._dispatcher.fill(session, active)

    async def record(self, results: Sequence[RunFinished]) -> None:
        """Record a batch: score, settle, count, complete, and fill the slots that became free."""
        async with self._database.transaction() as session:
            recorder, active = await self._recorder(session, {result.report_id for result in results})
            await recorder.record(results)
            progress = await self._conclude(session, recorder, active)
        self._feed.put(progress)

    async def sweep(self) -> None:
        """Do what no message asks for: lapsed leases, due retries, lost messages, passed deadlines."""
        for report_id in await self._unplanned():
            await self.plan(report_id)
        async with self._database.transaction() as session:
            recorder, active = await self._recorder(session, set())
            await self._lapse(session)
            for report in active:
                if _is_overdue(report, recorder.now):
                    await self._expire(session, recorder, report)
            progress = await self._conclude(session, recorder, active)
        self._feed.put(progress)

    async def _insert_plan(self, session: AsyncSession, report: Report) -> None:
        config = self._snapshots.of(report)
        runs_a_model = len(config.images) * config.runs_per_image
        models: list[dict[str, Any]] = [
            {"report_id": report.id, "model_id": model.id, "position": position, "total": runs_a_model}
            for position, model in enumerate(config.models)
        ]
        jobs = [
            JobKey(report.id, model.id, image_index, run_index)._asdict()
            for model in config.models
            for image_index in range(len(config.images))
            for run_index in range(config.runs_per_image)
        ]
        await repository.insert_plan(session, models, jobs)
        log.info("report.planned", report_id=str(report.id), jobs=len(jobs))

    async def _recorder(self, session: AsyncSession, also: set[UUID]) -> tuple[Recorder, list[Report]]:
        active = await repository.lock_active_reports(session, also=also)
        now = await repository.database_time(session)
        return Recorder(session, {report.id: report for report in active}, self._snapshots, now), active

    async def _conclude(
        self, session: AsyncSession, recorder: Recorder, active: list[Report]
    ) -> list[ReportProgressed]:
        changed = [recorder.reports[report_id] for report_id in recorder.changed]
        models = await repository.model_counts(session, recorder.changed) if changed else []
        for report in changed:
            report.revision += 1
            if is_complete(report):
                own = [model for model in models if model.report_id == report.id]
                await self._outbox.add(session, complete(report, own, recorder.now))
                log.info("report.ended", report_id=str(report.id), status=report.status)
        await self._dispatcher.fill(session, active)
        return [progress_of(report, models) for report in changed]

    async def _unplanned(self) -> list[UUID]:
        async with self._database.transaction() as session:
            return await repository.unplanned_reports(session)

    async def _lapse(self, session: AsyncSession) -> None:
        attempts = await repository.lapsed_attempts(session)
        for attempt in attempts:
            attempt.state = "lapsed"
            log.warning("attempt.lapsed", report_id=str(attempt.report_id), model_id=attempt.model_id)
        jobs: dict[JobKey, datetime | None] = {
            JobKey(attempt.report_id, attempt.model_id, attempt.image_index, attempt.run_index): None
            for attempt in attempts
        }
        await repository.put_back(session, jobs)

    async def _expire(self, session: AsyncSession, recorder: Recorder, report: Report) -> None:
        jobs = await repository.unfinished_jobs(session, report.id)
        log.warning("report.deadline_passed", report_id=str(report.id), jobs=len(jobs))
        await recorder.give_up(jobs, UnmeasuredReason.DEADLINE)


def _is_overdue(report: Report, now: datetime) -> bool:
    return (
        report.status == "running"
        and report.deadline_at is not None
        and now > report.deadline_at + DEADLINE_GRACE
    )
