"""The engine: every change of a report's state is one transaction of one of these methods."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_orchestrator import ledger, pauses, repository
from modelpick_orchestrator.completion import complete, is_complete, is_over
from modelpick_orchestrator.dispatch import DEADLINE_GRACE, Dispatcher
from modelpick_orchestrator.metrics import BATCH_SECONDS, LAPSED, PAST_DEADLINE, REPORT_SECONDS
from modelpick_orchestrator.pauses import KeyReports
from modelpick_orchestrator.planning import plan_rows
from modelpick_orchestrator.progress import ProgressFeed, progress_of
from modelpick_orchestrator.recording import Recorder
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_orchestrator.snapshots import Snapshots
from modelpick_shared import faults
from modelpick_shared.catalog import Catalog
from modelpick_shared.contracts import (
    JobKey,
    ReportProgressed,
    RunFinished,
    RunReplayRequested,
    UnmeasuredReason,
    WorkerAlive,
)
from modelpick_shared.db import Database, Outbox, after_commit
from modelpick_shared.db.tables import Report
from modelpick_shared.errors import PermanentError
from modelpick_shared.faults import FaultPoint

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
        self._settings = settings
        self._snapshots = Snapshots()
        self._dispatcher = Dispatcher(settings, catalog, self._snapshots, outbox)
        self._feed = feed
        self._keys = KeyReports()

    async def plan(self, report_id: UUID) -> None:
        """Write a paid report's plan, once, and start it if there is room. Raises UnknownReportError.

        First calls are on their way before the jobs that follow them are dispatched.
        """
        async with self._changing({report_id}, to_begin=True) as change:
            report = change.report(report_id)
            if not await repository.is_planned(change.session, report_id):
                await self._insert_plan(change.session, report)
                faults.reach(FaultPoint.PLAN_INSERTED)
        async with self._changing(set()):
            pass  # what waits behind the first calls is dispatched; after a crash the sweeper does it

    async def record(self, results: Sequence[RunFinished]) -> None:
        """Record a batch: score, settle, count, complete, and fill the slots that became free."""
        faults.reach(FaultPoint.RESULTS_RECEIVED)
        with BATCH_SECONDS.time():
            async with self._changing({result.report_id for result in results}) as change:
                await change.recorder.record(results)
                if change.recorder.refused_key:
                    await pauses.begin(change.session, change.recorder.refused_key)
                faults.reach(FaultPoint.RESULTS_RECORDED)
        faults.reach(FaultPoint.RESULTS_COMMITTED)

    async def sweep(self) -> None:
        """Do what no message asks for: lapsed leases, due retries, lost messages, passed deadlines."""
        for report_id in await self._unplanned():
            await self.plan(report_id)
        async with self._changing(set()) as change:
            lapsed = await ledger.lapsed_attempts(change.session)
            if lapsed:
                after_commit(change.session, partial(LAPSED.inc, len(lapsed)))
                log.warning("attempts.lapsed", count=len(lapsed))
                await change.recorder.lapse(lapsed)
            await self._end_pause(change)
            for report in change.active:
                if _is_overdue(report, change.recorder.now):
                    await self._expire(change, report)

    async def cancel(self, report_id: UUID) -> None:
        """End a report with what it has; what is missing is unmeasured. Raises UnknownReportError."""
        async with self._changing({report_id}) as change:
            report = change.report(report_id)
            if is_over(report):
                log.info("cancel.ignored", report_id=str(report_id), status=report.status)
                return
            if not await repository.is_planned(change.session, report_id):
                await self._insert_plan(change.session, report)
            jobs = await repository.unfinished_jobs(change.session, report_id)
            await change.recorder.give_up([job for job, _ in jobs], UnmeasuredReason.CANCELLED)

    async def resume(self, report_id: UUID) -> None:
        """Run what an ended report left unmeasured: under the same ceiling, with a new deadline.

        Nothing happens to a report that runs, has nothing unmeasured, was refunded, or whose images are no
        longer kept. What models answered after the report had ended is counted first. Raises
        UnknownReportError.
        """
        async with self._changing({report_id}) as change:
            report = change.report(report_id)
            if not is_over(report) or await repository.is_beyond_resuming(change.session, report):
                log.info("resume.ignored", report_id=str(report_id), status=report.status)
                return
            jobs = await repository.take_back_unmeasured(change.session, report_id)
            if jobs:
                await ledger.lapse_all(change.session, report_id)
                _reopen(report, len(jobs))
                change.active.append(report)
                change.recorder.touch(report)
                await self._count_late(change, report_id)
                log.info("report.resumed", report_id=str(report_id), jobs=len(jobs))

    async def replay(self, request: RunReplayRequested) -> None:
        """Dispatch a job again whose message was laid down, unless it is counted or on its way."""
        job = JobKey(request.report_id, request.model_id, request.image_index, request.run_index)
        async with self._changing(set()) as change:
            attempt = await ledger.live_attempt(change.session, job, request.attempt_token)
            if attempt is None:
                log.info("replay.ignored", report_id=str(job.report_id), model_id=job.model_id)
                return
            await change.recorder.lapse([attempt])

    def hear(self, alive: WorkerAlive) -> None:
        """Note what a worker says about the key of the model API."""
        self._keys.hear(alive)

    def in_flight(self) -> int:
        """Return how many results can come before more jobs are dispatched, as far as this process knows."""
        return self._dispatcher.in_flight

    @asynccontextmanager
    async def _changing(self, report_ids: set[UUID], *, to_begin: bool = False) -> AsyncIterator["_Change"]:
        """Open the one kind of transaction that there is: lock, let the caller change, conclude, commit."""
        async with self._database.transaction() as session:
            session.sync_session.autoflush = False  # reports are written once, not before every question
            active = await repository.lock_active_reports(session, also=report_ids)
            now = await repository.database_time(session)
            recorder = Recorder(session, {report.id: report for report in active}, self._snapshots, now)
            change = _Change(session, recorder, active)
            yield change
            progress = await self._conclude(change, to_begin=to_begin)
        self._snapshots.forget_oldest()
        self._feed.put(progress)

    async def _conclude(self, change: "_Change", *, to_begin: bool) -> list[ReportProgressed]:
        """Complete what is done and fill free slots, until nothing is done and nothing must be given up."""
        recorder = change.recorder
        await self._complete(change)
        while cut := await self._dispatcher.fill(
            change.session, change.active, recorder.now, to_begin=to_begin, refused=recorder.refused
        ):
            await recorder.give_up(cut, UnmeasuredReason.BUDGET)
            if not await self._complete(change):
                break
        models = await repository.model_counts(change.session, recorder.changed) if recorder.changed else []
        return [progress_of(recorder.reports[report_id], models) for report_id in recorder.changed]

    async def _complete(self, change: "_Change") -> bool:
        """Close the reports that are done; return whether there was one."""
        done = [report for report in change.active if is_complete(report)]
        if done:
            models = await repository.model_counts(change.session, [report.id for report in done])
        for report in done:
            own = [model for model in models if model.report_id == report.id]
            counts = await repository.run_counts(change.session, report.id)
            ended = complete(report, own, counts, change.recorder.now)
            await self._outbox.add(change.session, ended, traces={report.id: report.traceparent})
            after_commit(
                change.session, partial(_time, report.status, report.created_at, change.recorder.now)
            )
            log.info("report.ended", report_id=str(report.id), status=report.status)
        return bool(done)

    async def _insert_plan(self, session: AsyncSession, report: Report) -> None:
        await self._snapshots.load(session, [report.id])
        models, jobs = plan_rows(
            report.id,
            self._snapshots.of(report.id).config,
            max_output_tokens=self._settings.max_output_tokens,
        )
        await repository.insert_plan(session, models, jobs)
        log.info("report.planned", report_id=str(report.id), jobs=len(jobs))

    async def _unplanned(self) -> list[UUID]:
        async with self._database.transaction() as session:
            return await repository.unplanned_reports(session)

    async def _end_pause(self, change: "_Change") -> None:
        pause = await pauses.current_pause(change.session)
        if pause and self._keys.works and change.recorder.now - pause.began_at > pauses.SETTLING_TIME:
            await pauses.end(change.session, change.active, change.recorder.now)

    async def _expire(self, change: "_Change", report: Report) -> None:
        """Give up what is missing: for the deadline, or for the platform where our key kept it back."""
        halted = await pauses.current_pause(change.session) is not None
        jobs = await repository.unfinished_jobs(change.session, report.id)
        after_commit(change.session, PAST_DEADLINE.inc)
        log.warning("report.deadline_passed", report_id=str(report.id), jobs=len(jobs))
        ours = [job for job, worst_case_usd in jobs if halted and worst_case_usd]
        theirs = [job for job, worst_case_usd in jobs if not (halted and worst_case_usd)]
        await change.recorder.give_up(ours, UnmeasuredReason.PLATFORM)
        await change.recorder.give_up(theirs, UnmeasuredReason.DEADLINE)

    async def _count_late(self, change: "_Change", report_id: UUID) -> None:
        late = await ledger.late_results(change.session, report_id)
        await change.recorder.count_late([RunFinished.model_validate(result) for result in late])
        await ledger.forget_late_results(change.session, report_id)


class _Change:
    """A transaction under way: its session, what it records into, and the reports that wait or run."""

    def __init__(self, session: AsyncSession, recorder: Recorder, locked: list[Report]) -> None:
        self.session = session
        self.recorder = recorder
        self.active = [report for report in locked if not is_over(report)]

    def report(self, report_id: UUID) -> Report:
        try:
            return self.recorder.reports[report_id]
        except KeyError:
            raise UnknownReportError(f"no report {report_id}") from None


def _reopen(report: Report, unmeasured: int) -> None:
    report.status = "paid"
    report.completed_jobs -= unmeasured
    report.completed_at = report.deadline_at = report.failure_reason = None
    report.paused_at, report.paused_s = None, Decimal(0)
    report.revision += 1


def _time(status: str, paid_at: datetime, ended_at: datetime) -> None:
    REPORT_SECONDS.labels(status=status).observe((ended_at - paid_at).total_seconds())


def _is_overdue(report: Report, now: datetime) -> bool:
    return (
        report.status == "running"
        and report.paused_at is None
        and report.deadline_at is not None
        and now > report.deadline_at + DEADLINE_GRACE
    )
