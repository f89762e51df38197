"""Gauges of how mails stand, read from their table."""

from itertools import product

from sqlalchemy import func, select

from modelpick_notifier.mails import SUBJECTS
from modelpick_notifier.metrics import MAILS_NOW, OLDEST_PENDING_SECONDS
from modelpick_shared.db import Database
from modelpick_shared.db.tables import Email

EVERY_S = 15.0
STATES = ("pending", "sent", "failed", "unknown")


class MailGauges:
    """Counts mails by template and state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> None:
        counted = select(Email.template, Email.state, func.count()).group_by(Email.template, Email.state)
        age = func.extract("epoch", func.now() - func.min(Email.created_at))
        async with self._database.transaction() as session:
            counts = {(row[0], row[1]): row[2] for row in await session.execute(counted)}
            age_s = await session.scalar(select(age).where(Email.state == "pending"))
        for template, state in product(SUBJECTS, STATES):
            MAILS_NOW.labels(template=template, state=state).set(counts.get((template, state), 0))
        OLDEST_PENDING_SECONDS.set(float(age_s or 0))
