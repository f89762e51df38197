"""What one kind of housekeeping is, and the plain form of it: rows of a table that are due."""

from abc import ABC, abstractmethod
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.base import Base
from modelpick_shared.db.engine import Database

# One transaction takes so many: a few milliseconds, however much is due.
BATCH = 500


class Kind(StrEnum):
    """What goes, as metrics and operators name it."""

    SENT_MESSAGES = "sent_messages"
    STRIPE_EVENTS = "stripe_events"
    SIGN_IN_TOKENS = "sign_in_tokens"
    SESSIONS = "sessions"
    RATE_LIMITS = "rate_limits"
    UNPAID_DRAFTS = "unpaid_drafts"
    UNPAID_ORDERS = "unpaid_orders"
    REPORT_IMAGES = "report_images"
    MAILS = "mails"
    MAIL_EVENTS = "mail_events"
    RECONCILIATIONS = "reconciliations"
    DEAD_LETTERS = "dead_letters"


class Chore(Protocol):
    """One kind of housekeeping.

    `age` is how old a thing must be to go, None where it says so itself; `every_s` how often to look, None
    for as often as the settings say.
    """

    kind: Kind
    age: timedelta | None
    every_s: float | None

    async def count(self) -> int:
        """Return how many are due now; change nothing."""

    async def remove(self) -> int:
        """Remove what is due, in small steps, passing over what others work on; return how many."""


class BatchedChore(ABC):
    """A chore whose steps are transactions of at most `batch` each."""

    every_s: float | None = None

    def __init__(
        self, database: Database, kind: Kind, *, age: timedelta | None = None, batch: int = BATCH
    ) -> None:
        self.kind = kind
        self.age = age
        self._database = database
        self._batch = batch

    async def count(self) -> int:
        async with self._database.snapshot() as session:
            counted = await session.scalar(select(func.count()).select_from(self.due().subquery()))
        return counted or 0

    async def remove(self) -> int:
        removed = step = await self._step()
        while step == self._batch:
            step = await self._step()
            removed += step
        return removed

    async def _step(self) -> int:
        async with self._database.transaction() as session:
            return await self.remove_some(session, self._batch)

    @abstractmethod
    def due(self) -> Select[*tuple[Any, ...]]:
        """Select the keys of what is due."""

    @abstractmethod
    async def remove_some(self, session: AsyncSession, limit: int) -> int:
        """Remove up to `limit` in this transaction; return how many."""


class RowChore(BatchedChore):
    """Deletes rows of a table that are due. Rows that others hold are passed over."""

    def __init__(
        self,
        database: Database,
        kind: Kind,
        table: type[Base],
        condition: ColumnElement[bool],
        *,
        age: timedelta | None = None,
        batch: int = BATCH,
    ) -> None:
        super().__init__(database, kind, age=age, batch=batch)
        self._table = table
        self._condition = condition

    def due(self) -> Select[*tuple[Any, ...]]:
        return select(*self._table.__mapper__.primary_key).where(self._condition)

    async def remove_some(self, session: AsyncSession, limit: int) -> int:
        # In a CTE, which is run once: the rows of a subquery that locks may be asked for again.
        held = self.due().limit(limit).with_for_update(skip_locked=True, of=self._table).cte("held")
        key = self._table.__mapper__.primary_key
        statement = delete(self._table).where(tuple_(*key).in_(select(*held.c))).returning(*key)
        result = await session.execute(statement.execution_options(synchronize_session=False))
        return len(result.all())
