"""How long images are kept, and the loop that lets them go."""

import asyncio
from datetime import timedelta

import structlog

from modelpick_checkout.images import repository
from modelpick_checkout.images.deletions import BATCH_SIZE, Deletions
from modelpick_shared.db import Database
from modelpick_shared.errors import TransientError

log = structlog.get_logger()

EVERY_S = 60.0
UNPAID_DRAFTS = timedelta(days=180)
# How many reports or drafts one transaction takes.
AT_ONCE = 20


class Retention:
    """Lets go of the images of old reports, of drafts that nobody paid for, and of all files that are due.

    Rows that another replica works on are passed over.
    """

    def __init__(self, database: Database, deletions: Deletions, *, report_images: timedelta) -> None:
        self._database = database
        self._deletions = deletions
        self._report_images = report_images

    async def run(self) -> None:
        """Look once a minute until cancelled; while the database is away, later."""
        while True:
            try:
                await self.once()
            except TransientError as error:
                log.warning("retention.retry", reason=str(error))
            await asyncio.sleep(EVERY_S)

    async def once(self) -> None:
        """Let go of all that is due now."""
        while await self.release_reports() == AT_ONCE:
            pass
        while await self.delete_drafts() == AT_ONCE:
            pass
        while await self._deletions.sweep() == BATCH_SIZE:
            pass

    async def release_reports(self) -> int:
        """Let the images of reports go that ended long ago; return of how many."""
        async with self._database.transaction() as session:
            reports = await repository.reports_to_release(session, self._report_images, limit=AT_ONCE)
            for report in reports:
                keys = [image["key"] for image in report.config_snapshot["images"]]
                await repository.delete_images(session, report.draft_id, keys)
                await self._deletions.remove(session, report.draft_id, keys)
            await repository.mark_released(session, [report.id for report in reports])
        if reports:
            log.info("images.released", reports=len(reports))
        return len(reports)

    async def delete_drafts(self) -> int:
        """Delete drafts that nobody touched or paid for in 180 days; return how many."""
        async with self._database.transaction() as session:
            drafts = await repository.drafts_to_delete(session, UNPAID_DRAFTS, limit=AT_ONCE)
            for draft in drafts:
                images = await repository.images_of(session, draft.id)
                await self._deletions.remove(session, draft.id, [image.storage_key for image in images])
                await session.delete(draft)
        if drafts:
            log.info("drafts.deleted", drafts=len(drafts))
        return len(drafts)
