"""Files of the image store go after the rows that named them: also after a crash, and never too early.

Housekeeping decides elsewhere which drafts and reports lose their images, and notes their files. They are
removed here, because this service has the image store, and uploads that died leave files in the same way.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_checkout.errors import UnfinishedUploadError
from modelpick_checkout.images import repository
from modelpick_checkout.images.repository import DueDeletion
from modelpick_shared.db import Database
from modelpick_shared.errors import TransientError
from modelpick_shared.images import ImageStore, ImageStoreError

log = structlog.get_logger()

EVERY_S = 60.0
BATCH_SIZE = 100
# An upload that takes longer from its file to its row is refused.
UNFINISHED = timedelta(hours=1)
# An order for the image may still be paid: look again.
ASK_AGAIN = timedelta(hours=1)
STORE_DOWN = timedelta(minutes=5)


class Deletions:
    """Which files are to go, kept in the database until they have gone.

    Removing one twice does no harm, so replicas and restarts need no care; no key is ever used again.
    """

    def __init__(self, database: Database, store: ImageStore) -> None:
        self._database = database
        self._store = store

    async def run(self) -> None:
        """Look once a minute until cancelled; while the database is away, later."""
        while True:
            try:
                await self.sweep_all()
            except TransientError as error:
                log.warning("deletions.retry", reason=str(error))
            await asyncio.sleep(EVERY_S)

    async def sweep_all(self) -> None:
        """Remove every file that is due now."""
        while await self.sweep() == BATCH_SIZE:
            pass

    async def expect(self, draft_id: UUID, keys: Iterable[str]) -> None:
        """Note files that are about to be stored: they go unless `keep` says in time that rows name them."""
        async with self._database.transaction() as session:
            await repository.note_deletions(session, draft_id, keys, due_in=UNFINISHED)

    async def keep(self, session: AsyncSession, keys: Collection[str]) -> None:
        """Take files back in the transaction that writes their rows. Raises UnfinishedUploadError."""
        if await repository.withdraw_deletions(session, keys) < len(keys):
            raise UnfinishedUploadError("an uploaded file is gone already")

    async def remove(self, session: AsyncSession, draft_id: UUID, keys: Iterable[str]) -> None:
        """Let files go whose rows go in this transaction."""
        await repository.note_deletions(session, draft_id, keys, due_in=timedelta())

    async def give_up(self, keys: Iterable[str]) -> None:
        """Let files go at once whose rows were never written; while the database is away, in time."""
        try:
            async with self._database.transaction() as session:
                await repository.postpone_deletions(session, keys, timedelta())
            await self.sweep(keys)
        except TransientError as error:
            log.warning("image.not_removed_yet", reason=str(error))

    async def sweep(self, keys: Iterable[str] | None = None) -> int:
        """Remove up to 100 files that are due, of those keys or of all; return how many were looked at."""
        async with self._database.transaction() as session:
            due = await repository.due_deletions(session, limit=BATCH_SIZE, keys=keys)
            if due:
                await self._settle(session, due)
        return len(due)

    async def _settle(self, session: AsyncSession, due: Sequence[DueDeletion]) -> None:
        draft_ids = {deletion.draft_id for deletion in due}
        kept = await repository.keys_in_use(session, draft_ids)
        waiting = await repository.keys_on_order(session, draft_ids) - kept
        keys = {deletion.storage_key for deletion in due}
        await repository.withdraw_deletions(session, keys & kept)
        await repository.postpone_deletions(session, keys & waiting, ASK_AGAIN)
        await self._remove(session, keys - kept - waiting)

    async def _remove(self, session: AsyncSession, keys: Collection[str]) -> None:
        try:
            await self._store.delete(list(keys))
        except ImageStoreError as error:
            log.warning("image.not_removed_yet", reason=str(error))
            await repository.postpone_deletions(session, keys, STORE_DOWN)
        else:
            await repository.withdraw_deletions(session, keys)
