"""Admission of reports, and dispatch of their jobs into the slots of the models."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_orchestrator import ledger, pauses, repository
from modelpick_orchestrator.metrics import CUT, DISPATCHED
from modelpick_orchestrator.planner import (
    Candidate,
    ModelState,
    Purse,
    ReportState,
    is_stuck,
    may_squeeze,
    plan,
)
from modelpick_orchestrator.repository import Load, Terms
from modelpick_orchestrator.requests import Lease, run_request
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_orchestrator.snapshots import Snapshots
from modelpick_shared.catalog import Catalog, effective_concurrency
from modelpick_shared.contracts import JobKey, RunRequested
from modelpick_shared.db import Outbox, after_commit
from modelpick_shared.db.tables import Report
from modelpick_shared.ids import new_id
from modelpick_shared.telemetry.models import model_label

log = structlog.get_logger()

# A worker finds its next job at once when as many wait in its queue as it runs.
SLOTS_A_CONCURRENT_CALL = 2
# What is missing this long after the deadline is unmeasured; a call may run until 30 s after it.
DEADLINE_GRACE = timedelta(seconds=45)
_UNBOUNDED = 1_000_000


class Dispatcher:
    """Fills free slots. Runs inside a transaction that holds the locks of all active reports.

    `in_flight` is how many jobs of all running reports were on their way when slots were last filled.
    """

    def __init__(
        self, settings: OrchestratorSettings, catalog: Catalog, snapshots: Snapshots, outbox: Outbox
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._snapshots = snapshots
        self._outbox = outbox
        self.in_flight = 0

    async def fill(
        self,
        session: AsyncSession,
        active: Sequence[Report],
        now: datetime,
        *,
        to_begin: bool = False,
        refused: set[UUID],
    ) -> list[JobKey]:
        """Admit waiting reports while there is room, then give every free slot a job.

        With `to_begin` only what can be called at once, and nothing that would wait in a model's queue. The
        key was `refused` to those reports just now: their clocks stop, even where only free models are left.
        Returns the jobs that are to be given up, because the money for them can never come.
        """
        await self._admit(session, active)
        running = {report.id: report for report in _by_age(active, "running")}
        if not running:
            self.in_flight = 0
            return []
        loads = await repository.loads(session, list(running))
        states = await self._states(session, running, loads, now, refused)
        states, cut = await self._resolve_stuck(session, states)
        a_call = 1 if to_begin else SLOTS_A_CONCURRENT_CALL
        slots = {load.model_id: a_call * self._concurrency(load.model_id) for load in loads}
        started = plan(states, await self._models(session, loads, slots))
        if started:
            await self._send(session, started, running, now)
        self.in_flight = sum(load.in_flight for load in loads) + len(started)
        return cut

    async def _admit(self, session: AsyncSession, active: Sequence[Report]) -> None:
        running = sum(report.status == "running" for report in active)
        waiting = _by_age(active, "paid")
        for report in waiting:
            if running < self._settings.max_running_reports and await repository.is_planned(
                session, report.id
            ):
                # The clock starts with the first dispatch, which is now: writing the plan took its time.
                self._start(report, await repository.database_time(session))
                running += 1

    def _start(self, report: Report, now: datetime) -> None:
        report.status = "running"
        report.started_at = report.started_at or now
        report.deadline_at = now + timedelta(seconds=self._settings.max_benchmark_duration_s)
        report.revision += 1

    async def _states(
        self,
        session: AsyncSession,
        running: dict[UUID, Report],
        loads: list[Load],
        now: datetime,
        refused: set[UUID],
    ) -> list[ReportState]:
        rows = await repository.rows(session, list(running))
        in_flight: dict[UUID, int] = defaultdict(int)
        live: dict[UUID, int] = defaultdict(int)
        for load in loads:
            in_flight[load.report_id] += load.in_flight
            live[load.report_id] += load.paid_in_flight
        halted = await pauses.current_pause(session) is not None
        if halted:
            waiting = refused | {report_id for report_id in running if rows[report_id] or live[report_id]}
            longest = timedelta(seconds=self._settings.platform_pause_max_s)
            pauses.stop_clocks(running.values(), waiting, now, longest=longest)
        limit = self._settings.global_concurrency or _UNBOUNDED
        return [
            ReportState(
                report_id=report.id,
                purse=self._purse(report),
                rows=rows[report.id],
                live=live[report.id],
                room=max(limit - in_flight[report.id], 0),
                halted=halted,
            )
            for report in running.values()
        ]

    def _purse(self, report: Report) -> Purse:
        return Purse(
            spent_usd=report.spent_usd,
            reserved_usd=report.reserved_usd,
            ceiling_usd=report.ceiling_usd,
            soft_ceiling_usd=min(self._settings.cost_soft_ceiling_usd, report.ceiling_usd),
            over_ceiling=report.over_ceiling,
        )

    async def _resolve_stuck(
        self, session: AsyncSession, states: list[ReportState]
    ) -> tuple[list[ReportState], list[JobKey]]:
        """Let reports that wait for money go on with less of a reserve, or find what they must give up."""
        cut: list[JobKey] = []
        resolved = []
        for state in states:
            squeezed = state
            if is_stuck(state):
                waiting = await repository.waiting_paid(session, state.report_id)
                squeezed = replace(state, squeezed=await self._may_squeeze(session, state, waiting))
                if is_stuck(squeezed):
                    cut += [candidate.job for candidate in waiting]
            resolved.append(squeezed)
        if cut:
            after_commit(session, lambda: CUT.inc(len(cut)))
            log.warning("budget.cut", reports=[str(job.report_id) for job in cut[:1]], jobs=len(cut))
        return resolved, cut

    async def _may_squeeze(self, session: AsyncSession, state: ReportState, waiting: list[Candidate]) -> bool:
        first = state.rows[0]
        if first.begun:
            return False
        worst_cases = {
            candidate.job.model_id: candidate.worst_case_usd
            for candidate in waiting
            if candidate.row == first.key
        }
        return may_squeeze(state.purse, worst_cases, await ledger.dearest_bills(session, state.report_id))

    async def _models(
        self, session: AsyncSession, loads: list[Load], slots: dict[str, int]
    ) -> list[ModelState]:
        by_model: dict[str, list[Load]] = defaultdict(list)
        for load in loads:
            by_model[load.model_id].append(load)
        wanted = {
            (load.report_id, model_id): count
            for model_id, group in by_model.items()
            for load in group
            if (count := _wanted(slots[model_id], group, load)) > 0
        }
        waiting: dict[str, dict[UUID, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
        for candidate in await repository.candidates(session, wanted) if wanted else []:
            waiting[candidate.job.model_id][candidate.job.report_id].append(candidate)
        return [
            ModelState(
                model_id,
                slots=slots[model_id],
                in_flight={load.report_id: load.in_flight for load in group},
                waiting=waiting[model_id],
            )
            for model_id, group in by_model.items()
        ]

    def _concurrency(self, model_id: str) -> int:
        concurrency = self._settings.per_model_concurrency
        if model_id in self._catalog:
            return effective_concurrency(self._catalog[model_id], concurrency)
        return concurrency

    async def _send(
        self, session: AsyncSession, started: list[Candidate], running: dict[UUID, Report], now: datetime
    ) -> None:
        reserved: dict[UUID, Decimal] = defaultdict(Decimal)
        for candidate in started:
            reserved[candidate.job.report_id] += candidate.worst_case_usd
        await self._snapshots.load(session, reserved)
        terms = await repository.terms(session, reserved)
        await repository.reserve(session, running, reserved)
        requests = [
            self._request(candidate, running[candidate.job.report_id], terms, now) for candidate in started
        ]
        await ledger.begin_attempts(
            session, [_attempt_row(*pair) for pair in zip(requests, started, strict=True)]
        )
        traces = {report_id: running[report_id].traceparent for report_id in reserved}
        await self._outbox.add(session, *requests, traces=traces)
        after_commit(session, lambda: _count_dispatched(requests))

    def _request(
        self,
        candidate: Candidate,
        report: Report,
        terms: dict[tuple[UUID, str], Terms],
        now: datetime,
    ) -> RunRequested:
        lease = timedelta(seconds=self._settings.lease_s)
        deadline_at = _deadline_of_jobs(report, now, lease)
        lease_ends_at = min(now + lease, deadline_at + DEADLINE_GRACE)
        max_tokens, provider = terms[report.id, candidate.job.model_id]
        return run_request(
            candidate.job,
            self._snapshots.of(report.id).config,
            Lease(new_id(), lease_ends_at, deadline_at),
            max_tokens=max_tokens or self._settings.max_output_tokens,
            preferred_provider=provider,
            calls_made=candidate.calls,
        )


def _deadline_of_jobs(report: Report, now: datetime, lease: timedelta) -> datetime:
    """Return until when a job of now may run: nothing presses it while its report's clock stands."""
    deadline_at = report.deadline_at or now
    if report.paused_at is None:
        return deadline_at
    return max(deadline_at + (now - report.paused_at), now + lease)


def _count_dispatched(requests: Sequence[RunRequested]) -> None:
    for model_id, count in Counter(request.model_id for request in requests).items():
        DISPATCHED.labels(model=model_label(model_id)).inc(count)


def _wanted(slots: int, group: list[Load], load: Load) -> int:
    """Return how many jobs a report can start at a model at most: the free slots, at least one each."""
    free = slots - sum(other.in_flight for other in group)
    return min(load.waiting, max(free, 0 if load.in_flight else 1))


def _by_age(reports: Sequence[Report], status: str) -> list[Report]:
    chosen = [report for report in reports if report.status == status]
    return sorted(chosen, key=lambda report: (report.created_at, report.id))


def _attempt_row(request: RunRequested, candidate: Candidate) -> dict[str, object]:
    return candidate.job._asdict() | {
        "token": request.attempt_token,
        "lease_ends_at": request.lease_ends_at,
        "reserved_usd": candidate.worst_case_usd,
    }
