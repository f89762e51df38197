"""Admission of reports, and dispatch of their jobs into the slots of the models."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_orchestrator import repository
from modelpick_orchestrator.planner import ModelLoad, share_slots
from modelpick_orchestrator.repository import Load, Share
from modelpick_orchestrator.requests import Lease, run_request
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_orchestrator.snapshots import Snapshots
from modelpick_shared.catalog import Catalog, effective_concurrency
from modelpick_shared.contracts import JobKey, RunRequested
from modelpick_shared.db import Outbox
from modelpick_shared.db.tables import Report
from modelpick_shared.ids import new_id
from modelpick_shared.pricing import worst_case_usd

# A worker finds its next job at once when as many wait in its queue as it runs.
SLOTS_A_CONCURRENT_CALL = 2
# What is missing this long after the deadline is unmeasured; a call may run until 30 s after it.
DEADLINE_GRACE = timedelta(seconds=45)


class Dispatcher:
    """Fills free slots. Runs inside a transaction that holds the locks of all active reports."""

    def __init__(
        self, settings: OrchestratorSettings, catalog: Catalog, snapshots: Snapshots, outbox: Outbox
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._snapshots = snapshots
        self._outbox = outbox

    async def fill(self, session: AsyncSession, active: Sequence[Report]) -> None:
        """Admit waiting reports while there is room, then give every free slot a job."""
        now = await repository.database_time(session)
        await self._admit(session, active, now)
        running = {report.id: report for report in active if report.status == "running"}
        if not running:
            return
        loads = await repository.loads(session, list(running))
        shares = self._shares(loads, sorted(running.values(), key=lambda report: report.created_at))
        if shares:
            jobs = await repository.take_jobs(session, shares)
            await self._send(session, jobs, running, now)

    async def _admit(self, session: AsyncSession, active: Sequence[Report], now: datetime) -> None:
        free = self._settings.max_running_reports - sum(report.status == "running" for report in active)
        waiting = sorted(
            (report for report in active if report.status == "paid"), key=lambda report: report.created_at
        )
        for report in waiting:
            if free > 0 and await repository.is_planned(session, report.id):
                report.status = "running"
                report.started_at = now
                report.deadline_at = now + timedelta(seconds=self._settings.max_benchmark_duration_s)
                report.revision += 1
                free -= 1

    def _shares(self, loads: list[Load], running: list[Report]) -> list[Share]:
        order = [report.id for report in running]
        room = self._room(loads, order)
        return [
            Share(report_id, load.model_id, count)
            for load in self._model_loads(loads)
            for report_id, count in share_slots(load, order, room).items()
        ]

    def _room(self, loads: list[Load], order: list[UUID]) -> dict[UUID, int]:
        limit = self._settings.global_concurrency or math.inf
        in_flight: dict[UUID, int] = defaultdict(int)
        for load in loads:
            in_flight[load.report_id] += load.in_flight
        return {report_id: int(min(max(limit - in_flight[report_id], 0), 1_000_000)) for report_id in order}

    def _model_loads(self, loads: list[Load]) -> list[ModelLoad]:
        by_model: dict[str, list[Load]] = defaultdict(list)
        for load in loads:
            by_model[load.model_id].append(load)
        return [
            ModelLoad(
                model_id,
                slots=self._slots(model_id),
                in_flight={load.report_id: load.in_flight for load in group},
                waiting={load.report_id: load.waiting for load in group},
            )
            for model_id, group in sorted(by_model.items())
        ]

    def _slots(self, model_id: str) -> int:
        concurrency = self._settings.per_model_concurrency
        if model_id in self._catalog:
            concurrency = effective_concurrency(self._catalog[model_id], concurrency)
        return SLOTS_A_CONCURRENT_CALL * concurrency

    async def _send(
        self, session: AsyncSession, jobs: list[JobKey], running: dict[UUID, Report], now: datetime
    ) -> None:
        requests = [self._request(job, running[job.report_id], now) for job in jobs]
        await repository.insert_attempts(
            session, [self._attempt(request, running[request.report_id]) for request in requests]
        )
        await self._outbox.add(session, *requests)

    def _request(self, job: JobKey, report: Report, now: datetime) -> RunRequested:
        deadline_at = report.deadline_at or now
        lease_ends_at = min(now + timedelta(seconds=self._settings.lease_s), deadline_at + DEADLINE_GRACE)
        return run_request(
            job,
            self._snapshots.of(report),
            Lease(new_id(), lease_ends_at, deadline_at),
            max_output_tokens=self._settings.max_output_tokens,
        )

    def _attempt(self, request: RunRequested, report: Report) -> dict[str, object]:
        config = self._snapshots.of(report)
        worst_case = worst_case_usd(
            config.model(request.model_id),
            config,
            config.images[request.image_index],
            max_tokens=request.parameters.max_tokens,
        )
        return request.job_key._asdict() | {
            "token": request.attempt_token,
            "lease_ends_at": request.lease_ends_at,
            "reserved_usd": worst_case,
        }
