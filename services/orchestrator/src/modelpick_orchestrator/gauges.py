"""Gauges of how reports and attempts stand, read from the tables."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_orchestrator import metrics
from modelpick_orchestrator.dispatch import DEADLINE_GRACE
from modelpick_orchestrator.pauses import current_pause
from modelpick_shared.contracts import ReportStatus
from modelpick_shared.db import Database
from modelpick_shared.db.tables import Attempt, Report
from modelpick_shared.telemetry.models import OTHER, model_label

EVERY_S = 5.0
# Reports that ended are counted again after this even where nothing seems to have happened.
COUNT_AGAIN_S = 600.0
_ACTIVE = (ReportStatus.PAID.value, ReportStatus.RUNNING.value)


class Active(NamedTuple):
    """What the reports that wait or run come to together; ages are seconds."""

    reserved_usd: Decimal
    spent_usd: Decimal
    ceiling_usd: Decimal
    used_ratio: Decimal
    overdue: int
    oldest_waiting_s: Decimal


class EndedReports:
    """How many reports ended in which way.

    Counting them reads the whole table, 0.15 to 0.2 s for 200,000 reports: so it is done only when a report
    came, was resumed or ended, which the newest id and those that wait or run tell in 0.1 ms.
    """

    def __init__(self) -> None:
        self._counts: Mapping[str, int] = {}
        self._seen: tuple[UUID | None, frozenset[UUID]] | None = None
        self._counted_at = 0.0

    async def counts(self, session: AsyncSession, active: Mapping[UUID, str]) -> Mapping[str, int]:
        """Return the number of reports by status; `active` is the status of those that wait or run."""
        newest = await session.scalar(select(Report.id).order_by(Report.id.desc()).limit(1))
        seen = (newest, frozenset(active))
        if seen != self._seen or time.monotonic() - self._counted_at > COUNT_AGAIN_S:
            self._counts = await _ended_counts(session)
            self._seen, self._counted_at = seen, time.monotonic()
        return self._counts


class ReportGauges:
    """Reads the gauges; `model_ids` are those that metrics name."""

    def __init__(self, database: Database, model_ids: Sequence[str]) -> None:
        self._database = database
        self._model_ids = model_ids
        self._ended = EndedReports()

    async def read(self) -> None:
        async with self._database.snapshot() as session:
            statuses = await _active_statuses(session)
            counts = Counter(statuses.values()) + Counter(await self._ended.counts(session, statuses))
            active = await _active(session)
            ages_s = await _attempt_ages_s(session)
            paused = await current_pause(session) is not None
        for status in ReportStatus:
            metrics.REPORTS.labels(status=status.value).set(counts[status.value])
        _show(active)
        metrics.PLATFORM_PAUSED.set(paused)
        for model in (*self._model_ids, OTHER):
            metrics.OLDEST_ATTEMPT_SECONDS.labels(model=model).set(ages_s.get(model, 0))


def _show(active: Active) -> None:
    metrics.RESERVED_USD.set(float(active.reserved_usd))
    metrics.SPENT_USD.set(float(active.spent_usd))
    metrics.CEILING_USD.set(float(active.ceiling_usd))
    metrics.USED_RATIO.set(float(active.used_ratio))
    metrics.OVERDUE.set(active.overdue)
    metrics.OLDEST_WAITING_SECONDS.set(float(active.oldest_waiting_s))


async def _active_statuses(session: AsyncSession) -> dict[UUID, str]:
    rows = await session.execute(select(Report.id, Report.status).where(Report.status.in_(_ACTIVE)))
    return {row.id: row.status for row in rows}


async def _ended_counts(session: AsyncSession) -> dict[str, int]:
    ended = Report.status.not_in(_ACTIVE)
    rows = await session.execute(select(Report.status, func.count()).where(ended).group_by(Report.status))
    return {row[0]: row[1] for row in rows}


async def _active(session: AsyncSession) -> Active:
    overdue = and_(
        Report.status == ReportStatus.RUNNING.value,
        Report.paused_at.is_(None),
        Report.deadline_at < func.now() - DEADLINE_GRACE,
    )
    waiting_s = func.extract("epoch", func.now() - func.min(Report.created_at).filter(_is(ReportStatus.PAID)))
    statement = select(
        func.coalesce(func.sum(Report.reserved_usd), 0),
        func.coalesce(func.sum(Report.spent_usd), 0),
        func.coalesce(func.sum(Report.ceiling_usd), 0),
        func.coalesce(func.max(Report.spent_usd / Report.ceiling_usd), 0),
        func.count().filter(overdue),
        func.coalesce(waiting_s, Decimal(0)),
    ).where(Report.status.in_(_ACTIVE))
    return Active._make((await session.execute(statement)).one())


def _is(status: ReportStatus) -> ColumnElement[bool]:
    return Report.status == status.value


async def _attempt_ages_s(session: AsyncSession) -> dict[str, float]:
    age = func.extract("epoch", func.now() - func.min(Attempt.created_at))
    statement = select(Attempt.model_id, age).where(Attempt.state == "in_flight").group_by(Attempt.model_id)
    ages_s: dict[str, float] = {}
    for model_id, age_s in await session.execute(statement):
        label = model_label(model_id)
        ages_s[label] = max(ages_s.get(label, 0.0), float(age_s))
    return ages_s
