"""Dead letters go after a time.

Their queues carry no time to live: they exist already on brokers where an argument more would make every
declaration fail, a policy needs a plugin or the server's own command line, and an expiry of each message
would miss those that the broker itself lays down. So they are looked through, once a day.
"""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select

from modelpick_shared.broker import (
    BrokerConnector,
    Delivery,
    HeldLetter,
    QueueBrowser,
    dead_letter_queue,
    work_queues,
)
from modelpick_shared.catalog import Catalog
from modelpick_shared.db.engine import Database
from modelpick_shared.db.reports import ReportModel
from modelpick_shared.errors import InvalidMessageError
from modelpick_shared.housekeeping.chores import Kind

log = structlog.get_logger()

DAILY_S = 86_400.0
# So many are held at once.
PAGE = 1_000


class DeadLetters:
    """Drops dead letters that failed last so long ago. The others stay where they are, in their order."""

    kind = Kind.DEAD_LETTERS
    every_s: float | None = DAILY_S

    def __init__(
        self, database: Database, connector: BrokerConnector, catalog: Catalog, age: timedelta
    ) -> None:
        self.age: timedelta | None = age
        self._database = database
        self._connector = connector
        self._catalog = catalog
        self._oldest_kept = age

    async def count(self) -> int:
        """Return how many are old, of the first thousand of each queue."""
        return await self._all_queues(drop=False)

    async def remove(self) -> int:
        """Drop the old ones of every queue; what others look at just now stays until next time."""
        return await self._all_queues(drop=True)

    async def _all_queues(self, *, drop: bool) -> int:
        found = 0
        async with QueueBrowser(self._connector) as browser:
            for name, counts in (await browser.counts(await self._names())).items():
                if counts is not None and counts.ready:
                    found += await self._queue(browser, name, drop=drop)
        return found

    async def _queue(self, browser: QueueBrowser, name: str, *, drop: bool) -> int:
        found = page = await self._page(browser, name, drop=drop)
        while drop and page == PAGE:
            page = await self._page(browser, name, drop=drop)
            found += page
        return found

    async def _page(self, browser: QueueBrowser, name: str, *, drop: bool) -> int:
        found = 0
        before = datetime.now(UTC) - self._oldest_kept
        async with browser.letters(name, limit=PAGE) as letters:
            async for letter in letters:
                if failed_before(letter.delivery, before):
                    found += 1
                    await _drop(letter, name) if drop else None
        return found

    async def _names(self) -> list[str]:
        """Return the dead-letter queues, also those of models that have left the catalogue."""
        async with self._database.snapshot() as session:
            used = set(await session.scalars(select(ReportModel.model_id).distinct()))
        models = sorted(used | {model.id for model in self._catalog})
        return list(dict.fromkeys(dead_letter_queue(queue).name for queue in work_queues(models)))


async def _drop(letter: HeldLetter, name: str) -> None:
    delivery = letter.delivery
    log.info(
        "dead_letter.dropped",
        queue=name,
        message_id=delivery.message_id,
        type=delivery.type,
        reason=delivery.headers.get("x-reason"),
    )
    await letter.settle()


def failed_before(delivery: Delivery, moment: datetime) -> bool:
    """Say whether a letter failed last before `moment`; one that does not say when never did."""
    for header in ("x-last-failed-at", "x-first-failed-at"):
        time = _time(delivery.headers.get(header))
        if time is not None:
            return time < moment
    try:
        return delivery.envelope().occurred_at < moment
    except InvalidMessageError:
        return False


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
