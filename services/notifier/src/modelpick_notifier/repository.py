"""The notifier's SQL. It owns the table of mails."""

from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_notifier.mails import RenderedMail
from modelpick_shared.db import insert_once
from modelpick_shared.db.tables import Email


class Backlog(NamedTuple):
    pending: int
    next_attempt_in_s: float | None


async def add(session: AsyncSession, mail: RenderedMail) -> bool:
    """Store a mail under its key; return False when it was there already."""
    return await insert_once(session, Email, **asdict(mail), state="pending", attempts=0)


async def take_due(session: AsyncSession) -> Email | None:
    """Lock and return the mail that has been due the longest, leaving out those that others are sending."""
    statement = (
        select(Email)
        .where(Email.state == "pending", Email.next_attempt_at <= func.now())
        .order_by(Email.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).first()


async def database_time(session: AsyncSession) -> datetime:
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def backlog(session: AsyncSession) -> Backlog:
    """Return how many mails wait, and in how many seconds the next is due."""
    wait = func.extract("epoch", func.min(Email.next_attempt_at) - func.now())
    row = (await session.execute(select(func.count(), wait).where(Email.state == "pending"))).one()
    return Backlog(row[0], None if row[1] is None else float(row[1]))
