"""Counting outcomes: every job once, every attempt's bill once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_orchestrator import repository
from modelpick_orchestrator.outcomes import NOT_FINAL, billed_usd, run_values, unmeasured_values
from modelpick_orchestrator.snapshots import Snapshots
from modelpick_shared.contracts import JobKey, RunFinished, UnmeasuredReason
from modelpick_shared.db.tables import Attempt, Report

log = structlog.get_logger()


@dataclass
class Recorder:
    """Records into the reports whose locks the transaction holds; `changed` collects those that moved."""

    session: AsyncSession
    reports: dict[UUID, Report]
    snapshots: Snapshots
    now: datetime
    changed: set[UUID] = field(default_factory=set)

    async def record(self, results: Sequence[RunFinished]) -> None:
        """Settle the attempts of `results` and count what was not counted yet.

        A result whose attempt is settled, or unknown, changes nothing.
        """
        first = {result.attempt_token: result for result in reversed(results)}
        attempts = await repository.open_attempts(self.session, first)
        known = [first[token] for token in attempts if first[token].report_id in self.reports]
        final = [result for result in known if result.outcome not in NOT_FINAL]
        rows = [run_values(result, self._config(result.report_id)) for result in final]
        await self._count(rows)
        for result in final:
            self._settle(attempts[result.attempt_token], result)
        await self._put_back([result for result in known if result.outcome in NOT_FINAL], attempts)

    async def give_up(self, jobs: Iterable[JobKey], reason: UnmeasuredReason) -> None:
        """Count jobs that got no result as unmeasured."""
        await self._count([unmeasured_values(job._asdict(), reason) for job in jobs])

    def _config(self, report_id: UUID) -> Any:
        return self.snapshots.of(self.reports[report_id])

    async def _count(self, rows: list[dict[str, Any]]) -> None:
        inserted = await repository.insert_runs(self.session, rows)
        await repository.mark_done(self.session, inserted)
        counted: dict[JobKey, dict[str, Any]] = {}
        for row in rows:
            key = JobKey(*(row[name] for name in JobKey._fields))
            if key in inserted:
                counted.setdefault(key, row)
        await self._add_counts(list(counted.values()))

    async def _add_counts(self, rows: list[dict[str, Any]]) -> None:
        increments: dict[tuple[UUID, str], Counter[str]] = defaultdict(Counter)
        for row in rows:
            increments[row["report_id"], row["model_id"]].update(["done", _counter_of(row)])
            self.reports[row["report_id"]].completed_jobs += 1
            self.changed.add(row["report_id"])
        if increments:
            await repository.add_counts(
                self.session,
                [
                    {"b_report_id": report_id, "b_model_id": model_id}
                    | {f"b_{name}": counts[name] for name in ("done", "passed", "failed", "unmeasured")}
                    for (report_id, model_id), counts in sorted(increments.items())
                ],
            )

    def _settle(self, attempt: Attempt, result: RunFinished) -> None:
        """Settle an attempt at its bill, or at its worst case when nothing is known: never at zero."""
        report = self.reports[result.report_id]
        bill = billed_usd(result, self._config(result.report_id).model(result.model_id))
        if bill is None:
            bill = attempt.reserved_usd if result.attempts else Decimal(0)
        attempt.state, attempt.billed_usd, attempt.settled_at = "settled", bill, self.now
        report.spent_usd += bill
        if report.spent_usd + report.reserved_usd > report.ceiling_usd and not report.over_ceiling:
            report.over_ceiling = True
            log.error("report.over_ceiling", report_id=str(report.id), spent_usd=str(report.spent_usd))
        self.changed.add(report.id)

    async def _put_back(self, results: list[RunFinished], attempts: dict[UUID, Attempt]) -> None:
        for result in results:
            attempt = attempts[result.attempt_token]
            attempt.state, attempt.settled_at = "released", self.now
        if results:
            await repository.put_back(self.session, {result.job_key: result.retry_at for result in results})


def _counter_of(row: dict[str, Any]) -> str:
    if row["passed"] is None:
        return "unmeasured"
    return "passed" if row["passed"] else "failed"
