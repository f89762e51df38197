"""Pausing while the model API refuses our key or its credit: that is nobody's fault but the operator's.

Paid models are not dispatched then, and the clocks of the reports that wait for the key stand still: of those
with free models alone as well, where it is invalid.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_orchestrator.metrics import PLATFORM_PAUSED
from modelpick_shared.contracts import WorkerAlive
from modelpick_shared.db import after_commit, insert_once
from modelpick_shared.db.tables import PlatformPause, Report

log = structlog.get_logger()

PLATFORM = "openrouter"
# A heartbeat that was on its way when the pause began says nothing about it.
SETTLING_TIME = timedelta(seconds=3)
HEARD_WITHIN_S = 15.0


@dataclass(frozen=True)
class _Heard:
    key_works: bool
    at_s: float


class KeyReports:
    """What the live workers said last about the key, by worker."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def hear(self, alive: WorkerAlive) -> None:
        now_s = time.monotonic()
        self._heard[alive.worker_id] = _Heard(alive.key_works, now_s)
        self._heard = {
            worker: heard for worker, heard in self._heard.items() if now_s - heard.at_s < HEARD_WITHIN_S
        }

    @property
    def works(self) -> bool:
        """Say whether some worker lives and none of them is refused."""
        now_s = time.monotonic()
        recent = [heard for heard in self._heard.values() if now_s - heard.at_s < HEARD_WITHIN_S]
        return bool(recent) and all(heard.key_works for heard in recent)


_PAUSE = select(PlatformPause)


async def current_pause(session: AsyncSession) -> PlatformPause | None:
    return (await session.scalars(_PAUSE)).one_or_none()


async def begin(session: AsyncSession, reason: str) -> None:
    """Stop the dispatch of paid models, if it is not stopped, and raise the alarm."""
    if await insert_once(session, PlatformPause, platform=PLATFORM, reason=reason):
        log.error("platform.paused", platform=PLATFORM, reason=reason)
    after_commit(session, partial(PLATFORM_PAUSED.set, 1))


async def end(session: AsyncSession, reports: Iterable[Report], now: datetime) -> None:
    """Let paid models be dispatched again, and the clocks go on."""
    await session.execute(delete(PlatformPause))
    for report in reports:
        start_clock(report, now)
    after_commit(session, partial(PLATFORM_PAUSED.set, 0))
    log.warning("platform.resumed", platform=PLATFORM)


def stop_clocks(reports: Iterable[Report], waiting: set[UUID], now: datetime, *, longest: timedelta) -> None:
    """Stop the clocks of reports that wait for the key; let those go on that stood long enough."""
    for report in reports:
        if report.status != "running" or report.deadline_at is None:
            continue
        stood = timedelta(seconds=float(report.paused_s))
        if report.paused_at is None:
            if report.id in waiting and stood < longest:
                report.paused_at = now
        elif stood + (now - report.paused_at) >= longest:
            start_clock(report, now)


def start_clock(report: Report, now: datetime) -> None:
    """Let a report's clock go on: its deadline moves by as long as it stood."""
    if report.paused_at is None or report.deadline_at is None:
        return
    stood = now - report.paused_at
    report.deadline_at += stood
    report.paused_s += Decimal(str(stood.total_seconds()))
    report.paused_at = None
