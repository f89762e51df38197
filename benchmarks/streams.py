"""How soon an event of a report is in every browser that watches it, and what 200 open streams cost."""

import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import update

from benchmarks.figures import Figure
from benchmarks.machine import memory_mb
from benchmarks.shapes import config
from benchmarks.stand import Process, Stand, Stores
from modelpick_shared.broker import BrokerConnector, Publisher
from modelpick_shared.contracts import ModelProgress, ReportProgressed
from modelpick_shared.db import Database
from modelpick_shared.db.tables import Report, ReportModel, UserSession
from modelpick_shared.http.sessions import SESSION_COOKIE, token_hash
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually, insert_report

STREAMS = 200
REPORTS = 8  # as many as run at once
MOVES = 60
FIRST = 1000  # the first revision that is made here
EVERY_S = 0.3
WITHIN_S = 20.0


def streams(stores: Stores) -> list[Figure]:
    with stores.stand() as stand:
        reports = stand.start("reports")
        late_ms = asyncio.run(_measure(stand, reports))
        peak_mb = memory_mb(reports.pid)[1]
    percentiles = statistics.quantiles(late_ms, n=100)
    notes = {"p50 ms": round(percentiles[49], 1), "events": len(late_ms)}
    return [
        Figure(f"event to {STREAMS} open streams, p99", [percentiles[98]], "ms", at_most=250, notes=notes),
        Figure(f"memory of one reports replica with {STREAMS} streams", [peak_mb], "MB", at_most=200),
    ]


class _Moving:
    """Reports that move, and when each revision was announced."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.cookies: dict[UUID, str] = {}
        self.announced: dict[tuple[UUID, int], float] = {}
        self.models = [model.id for model in config().models]

    async def begin(self) -> None:
        for _ in range(REPORTS):
            token = new_id().hex
            async with self._database.transaction() as session:
                report = await insert_report(session, config(), status="running")
                session.add_all(
                    ReportModel(report_id=report.id, model_id=model, position=position, total=30)
                    for position, model in enumerate(self.models)
                )
                ends_at = datetime.now(UTC) + timedelta(hours=1)
                session.add(
                    UserSession(token_hash=token_hash(token), user_id=report.user_id, expires_at=ends_at)
                )
            self.cookies[report.id] = token

    async def move(self, publisher: Publisher, report_id: UUID, revision: int) -> None:
        """Store a new state of a report, as recording a batch of results does, and announce it."""
        async with self._database.transaction() as session:
            values = {"revision": revision, "completed_jobs": revision - FIRST}
            await session.execute(update(Report).where(Report.id == report_id).values(values))
        self.announced[report_id, revision] = time.perf_counter()
        await publisher.send(self._message(report_id, revision), persistent=False)

    def _message(self, report_id: UUID, revision: int) -> ReportProgressed:
        counts = {"total": 30, "done": revision % 30, "passed": revision % 30, "failed": 0, "unmeasured": 0}
        return ReportProgressed(
            report_id=report_id,
            revision=revision,
            spent_usd=Decimal(0),
            models=[ModelProgress(id=model, **counts) for model in self.models],
        )


async def _measure(stand: Stand, reports: Process) -> list[float]:
    """Move all reports again and again; return for each stream and state how late it came, in ms."""
    late_ms: list[float] = []
    publisher = Publisher(BrokerConnector(stand.broker_url, name="bench"), queues=[])
    async with AsyncExitStack() as ends:
        database = await ends.enter_async_context(Database(stand.database_url, application="bench"))
        moving = _Moving(database)
        await moving.begin()
        await ends.enter_async_context(publisher)
        opened = await _open_all(reports, moving, late_ms)
        for revision in range(FIRST, FIRST + MOVES):
            async with asyncio.TaskGroup() as moves:
                moves.create_task(asyncio.sleep(EVERY_S))
                for report_id in moving.cookies:
                    moves.create_task(moving.move(publisher, report_id, revision))
        # A state that comes in the same breath as the next may be skipped, but the last one is not.
        await eventually(
            lambda: all(stream.last == FIRST + MOVES - 1 for stream in opened), within_s=WITHIN_S
        )
        for stream in opened:
            stream.close()
    return late_ms


async def _open_all(reports: Process, moving: _Moving, late_ms: list[float]) -> list["_Stream"]:
    owners = list(moving.cookies)
    opened = [_Stream(owners[number % REPORTS], moving, late_ms) for number in range(STREAMS)]
    await asyncio.gather(*(stream.open(reports.address) for stream in opened))
    await eventually(lambda: all(stream.last is not None for stream in opened), within_s=WITHIN_S)
    return opened


class _Stream:
    """One browser's stream; plain sockets, as a client library costs more than the server."""

    def __init__(self, report_id: UUID, moving: _Moving, late_ms: list[float]) -> None:
        self._report_id = report_id
        self._moving = moving
        self._late_ms = late_ms
        self._reading: asyncio.Task[None] | None = None
        self.last: int | None = None

    async def open(self, address: str) -> None:
        parts = urlsplit(address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        cookie = f"{SESSION_COOKIE}={self._moving.cookies[self._report_id]}"
        writer.write(
            f"GET /api/reports/{self._report_id}/events HTTP/1.1\r\n"
            f"Host: {parts.netloc}\r\nCookie: {cookie}\r\n\r\n".encode()
        )
        self._reading = asyncio.create_task(self._read(reader, writer))

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                if line.startswith(b"id: "):
                    self._take(int(line[4:]))
        finally:
            writer.close()

    def _take(self, revision: int) -> None:
        self.last = revision
        announced = self._moving.announced.get((self._report_id, revision))
        if announced is not None:
            self._late_ms.append(1000 * (time.perf_counter() - announced))
