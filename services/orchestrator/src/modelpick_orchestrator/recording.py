"""Counting outcomes: every job once, every attempt's bill once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_orchestrator import ledger, repository
from modelpick_orchestrator.completion import is_over
from modelpick_orchestrator.ledger import OpenAttempt, PutBack, Settlement
from modelpick_orchestrator.metrics import BILLED_USD, OVER_CEILING, RECORDED, UNMEASURED
from modelpick_orchestrator.outcomes import NOT_FINAL, as_stored, billed_usd, run_values, unmeasured_values
from modelpick_orchestrator.snapshots import Snapshot, Snapshots
from modelpick_shared.contracts import AttemptOutcome, JobKey, RunFinished, UnmeasuredReason
from modelpick_shared.db import after_commit
from modelpick_shared.db.tables import Report
from modelpick_shared.telemetry.models import model_label

log = structlog.get_logger()

# A job whose worker dies again and again is given up; a broken connection costs one dispatch, too.
MAX_DISPATCHES = 20


@dataclass
class Recorder:
    """Records into the reports whose locks the transaction holds; `changed` collects those that moved.

    `refused_key` holds what the model API said when it refused our key or its credit, `refused` the reports
    whose jobs came back for that.
    """

    session: AsyncSession
    reports: dict[UUID, Report]
    snapshots: Snapshots
    now: datetime
    changed: set[UUID] = field(default_factory=set)
    refused_key: str | None = None
    refused: set[UUID] = field(default_factory=set)

    async def record(self, results: Sequence[RunFinished]) -> None:
        """Settle the attempts of `results` and count what was not counted yet.

        A result whose attempt is settled, or unknown, changes nothing.
        """
        first = {result.attempt_token: result for result in reversed(results)}
        attempts = await ledger.open_attempts(self.session, first)
        known = [
            (first[token], attempt)
            for token, attempt in attempts.items()
            if first[token].report_id in self.reports and attempt.job == first[token].job_key
        ]
        await self.snapshots.load(self.session, {result.report_id for result, _ in known})
        final = [(result, attempt) for result, attempt in known if result.outcome not in NOT_FINAL]
        counted = await self._count_results(final)
        await self._settle(
            [
                (attempt, self._final_ending(result, attempt, counted=attempt.job in counted))
                for result, attempt in final
            ]
        )
        await self._give_back([pair for pair in known if pair[0].outcome in NOT_FINAL])

    def touch(self, report: Report) -> None:
        """Note that a report changes; it gets its next revision once."""
        if report.id not in self.changed:
            self.changed.add(report.id)
            report.revision += 1

    async def give_up(self, jobs: Iterable[JobKey], reason: UnmeasuredReason) -> None:
        """Count jobs that got no result as unmeasured."""
        await self._count([unmeasured_values(job, reason) for job in jobs])

    async def lapse(self, attempts: Sequence[OpenAttempt]) -> None:
        """Let the jobs of these attempts be dispatched again; what they reserved stays reserved."""
        await self._settle([(attempt, Settlement(attempt.token, "lapsed")) for attempt in attempts])
        live = [attempt for attempt in attempts if attempt.live]
        hopeless = [attempt.job for attempt in live if attempt.dispatches >= MAX_DISPATCHES]
        await self.give_up(hopeless, UnmeasuredReason.PLATFORM)
        await ledger.put_back(self.session, [PutBack(attempt.job) for attempt in live])

    async def count_late(self, results: Sequence[RunFinished]) -> None:
        """Count results whose bills were settled before."""
        await self.snapshots.load(self.session, {result.report_id for result in results})
        await self._count([run_values(result, self._snapshot(result)) for result in results])

    def _snapshot(self, result: RunFinished) -> Snapshot:
        return self.snapshots.of(result.report_id)

    async def _count_results(self, final: list[tuple[RunFinished, OpenAttempt]]) -> set[JobKey]:
        return await self._count(
            [
                run_values(result, self._snapshot(result), earlier_calls=attempt.calls)
                for result, attempt in final
            ]
        )

    async def _count(self, rows: list[dict[str, Any]]) -> set[JobKey]:
        by_job: dict[JobKey, dict[str, Any]] = {}
        for row in rows:
            by_job.setdefault(_job_of(row), row)
        counted = await repository.count_runs(self.session, list(by_job.values()))
        await self._add_counts([row for job, row in by_job.items() if job in counted])
        return counted

    async def _add_counts(self, rows: list[dict[str, Any]]) -> None:
        increments: dict[tuple[UUID, str], Counter[str]] = defaultdict(Counter)
        providers: dict[tuple[UUID, str], str | None] = {}
        for row in rows:
            key = row["report_id"], row["model_id"]
            increments[key].update(["done", _counter_of(row)])
            providers[key] = providers.get(key) or row["provider"]
            report = self.reports[row["report_id"]]
            report.completed_jobs += 1
            self.touch(report)
        if rows:
            after_commit(self.session, partial(_count_outcomes, rows))
        if increments:
            await repository.add_counts(
                self.session,
                [
                    {"report_id": key[0], "model_id": key[1], "provider": providers[key]}
                    | {name: counts[name] for name in repository.COUNTERS}
                    for key, counts in sorted(increments.items())
                ],
            )

    async def _settle(self, endings: Sequence[tuple[OpenAttempt, Settlement]]) -> None:
        bills: dict[str, Decimal] = defaultdict(Decimal)
        for attempt, ending in endings:
            if ending.state != "lapsed":
                self._book(attempt, ending.billed_usd or Decimal(0))
                bills[attempt.job.model_id] += ending.billed_usd or Decimal(0)
        if bills:
            after_commit(self.session, partial(_count_bills, bills))
        await ledger.settle(self.session, [ending for _, ending in endings])

    def _book(self, attempt: OpenAttempt, bill_usd: Decimal) -> None:
        report = self.reports[attempt.job.report_id]
        report.reserved_usd -= attempt.reserved_usd
        report.spent_usd += bill_usd
        self.touch(report)
        if bill_usd > attempt.reserved_usd and not report.over_ceiling:
            report.over_ceiling = True
            after_commit(self.session, OVER_CEILING.inc)
            log.error(
                "report.billed_above_reservation",
                report_id=str(report.id),
                model_id=attempt.job.model_id,
                billed_usd=str(bill_usd),
                reserved_usd=str(attempt.reserved_usd),
            )

    def _bill(self, result: RunFinished, attempt: OpenAttempt) -> Decimal:
        """Return what to settle at: the worst case when nothing is known, never zero."""
        bill = billed_usd(result, self._snapshot(result).models[result.model_id])
        return attempt.reserved_usd if bill is None else bill

    def _final_ending(self, result: RunFinished, attempt: OpenAttempt, *, counted: bool) -> Settlement:
        """Return the end of an attempt with a final result.

        What a model answered after its report had ended is kept, for a resume.
        """
        measured = result.outcome is not AttemptOutcome.UNMEASURED
        keep = measured and not counted and is_over(self.reports[result.report_id])
        late = as_stored(result) if keep else None
        return Settlement(attempt.token, "settled", self._bill(result, attempt), late_result=late)

    async def _give_back(self, pairs: Sequence[tuple[RunFinished, OpenAttempt]]) -> None:
        """Let jobs without a final result wait again. Only of a live attempt: else the job already does."""
        abandoned = [attempt for result, attempt in pairs if result.outcome is AttemptOutcome.ABANDONED]
        returned = [pair for pair in pairs if pair[0].outcome is not AttemptOutcome.ABANDONED]
        await self.lapse(abandoned)
        await self._settle(
            [(attempt, self._returned_ending(result, attempt)) for result, attempt in returned]
        )
        await ledger.put_back(self.session, [_put_back(*pair) for pair in returned if pair[1].live])
        for result, _ in returned:
            if result.unmeasured_reason is UnmeasuredReason.PLATFORM:
                self.refused_key = result.error or "no reason given"
                self.refused.add(result.report_id)

    def _returned_ending(self, result: RunFinished, attempt: OpenAttempt) -> Settlement:
        if result.may_be_billed and result.attempts:
            return Settlement(attempt.token, "settled", self._bill(result, attempt))
        return Settlement(attempt.token, "released")


def _count_outcomes(rows: Sequence[dict[str, Any]]) -> None:
    outcomes = Counter((row["model_id"], row["outcome"], row["unmeasured_reason"]) for row in rows)
    for (model_id, outcome, reason), count in outcomes.items():
        model = model_label(model_id)
        RECORDED.labels(model=model, outcome=outcome).inc(count)
        if reason is not None:
            UNMEASURED.labels(model=model, reason=reason).inc(count)


def _count_bills(bills: Mapping[str, Decimal]) -> None:
    for model_id, amount_usd in bills.items():
        BILLED_USD.labels(model=model_label(model_id)).inc(float(amount_usd))


def _put_back(result: RunFinished, attempt: OpenAttempt) -> PutBack:
    """Return how a job waits again; being dispatched in vain through no fault of its own does not count."""
    if result.outcome is AttemptOutcome.NOT_STARTED or result.unmeasured_reason is UnmeasuredReason.PLATFORM:
        return PutBack(attempt.job, result.retry_at, dispatches=-1)
    return PutBack(attempt.job, result.retry_at, calls=result.attempts)


def _job_of(row: dict[str, Any]) -> JobKey:
    return JobKey(*(row[name] for name in JobKey._fields))


def _counter_of(row: dict[str, Any]) -> str:
    if row["passed"] is None:
        return "unmeasured"
    return "passed" if row["passed"] else "failed"
