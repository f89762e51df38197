import asyncio

import structlog

from modelpick_checkout.sign_in import repository
from modelpick_shared.db import Database
from modelpick_shared.errors import TransientError
from modelpick_shared.http.rate_limits import sweep_rate_limits

log = structlog.get_logger()

EVERY_S = 600.0


class Housekeeping:
    """Deletes what sign-in and rate limits no longer need, every ten minutes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Sweep until cancelled; while the database is away, later."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.sweep()
            except TransientError as error:
                log.warning("housekeeping.retry", reason=str(error))

    async def sweep(self) -> None:
        async with self._database.transaction() as session:
            await repository.delete_spent(session)
        async with self._database.transaction() as session:
            await sweep_rate_limits(session)
