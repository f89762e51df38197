"""Drafts and reports whose images are to go.

Here go their rows, and each file is noted for removal in the same transaction. The files themselves go by
the checkout service, which has the image store and removes within a minute what is noted.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Update, delete, func, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.customers import Draft, DraftImage, ImageDeletion
from modelpick_shared.db.engine import Database
from modelpick_shared.db.payments import Order
from modelpick_shared.db.reports import Report
from modelpick_shared.housekeeping.chores import BatchedChore, Kind

# A draft or report has up to ten images.
BATCH = 20
_ENDED = ("complete", "partial", "failed")


class UnpaidDrafts(BatchedChore):
    """Deletes drafts, with their images, that nobody touched for so long, paid for, or is paying for."""

    def __init__(self, database: Database, age: timedelta) -> None:
        super().__init__(database, Kind.UNPAID_DRAFTS, age=age, batch=BATCH)
        self._age = age

    def due(self) -> Select[*tuple[Any, ...]]:
        being_paid = select(Order.id).where(Order.draft_id == Draft.id, Order.status == "open").exists()
        old = Draft.updated_at < func.now() - self._age
        return select(Draft.id).where(Draft.status != "paid", old, ~being_paid)

    async def remove_some(self, session: AsyncSession, limit: int) -> int:
        held = self.due().order_by(Draft.updated_at).limit(limit).with_for_update(skip_locked=True, of=Draft)
        ids = (await session.scalars(held)).all()
        if ids:
            images = select(DraftImage.storage_key, DraftImage.draft_id).where(DraftImage.draft_id.in_(ids))
            noted = insert(ImageDeletion).from_select(["storage_key", "draft_id"], images)
            await session.execute(_due_now(noted))
            await session.execute(delete(Draft).where(Draft.id.in_(ids)))
        return len(ids)


class ReportImages(BatchedChore):
    """Lets the images of reports go that ended so long ago, and notes it with the reports.

    Those that the draft got after its order had been given up go as well: a payment that came all the same
    made a report of the order, and nobody can get at the draft any more.
    """

    def __init__(self, database: Database, age: timedelta) -> None:
        super().__init__(database, Kind.REPORT_IMAGES, age=age, batch=BATCH)
        self._age = age

    def due(self) -> Select[*tuple[Any, ...]]:
        before = func.now() - self._age
        return select(Report.id).where(
            Report.images_removed_at.is_(None),
            Report.created_at < before,
            Report.status.in_(_ENDED),
            func.coalesce(Report.completed_at, Report.created_at) < before,
        )

    async def remove_some(self, session: AsyncSession, limit: int) -> int:
        reports = await self._hold(session, limit)
        for report_id, draft_id, images in reports:
            own = delete(DraftImage).where(DraftImage.draft_id == draft_id)
            statement = own.returning(DraftImage.storage_key)
            later = await session.scalars(statement.execution_options(synchronize_session=False))
            await _note_files(session, draft_id, {*later, *(image["key"] for image in images)})
            await session.execute(_released(report_id))
        return len(reports)

    async def _hold(self, session: AsyncSession, limit: int) -> Sequence[tuple[UUID, UUID, list[Any]]]:
        columns = Report.id, Report.draft_id, Report.config_snapshot["images"]
        statement = self.due().with_only_columns(*columns).order_by(Report.created_at).limit(limit)
        held = await session.execute(statement.with_for_update(skip_locked=True, of=Report))
        return [(report_id, draft_id, images) for report_id, draft_id, images in held]


def _released(report_id: UUID) -> Update:
    statement = update(Report).where(Report.id == report_id).values(images_removed_at=func.now())
    return statement.execution_options(synchronize_session=False)


async def _note_files(session: AsyncSession, draft_id: UUID, keys: Collection[str]) -> None:
    if keys:
        rows = [{"storage_key": key, "draft_id": draft_id} for key in keys]
        await session.execute(_due_now(insert(ImageDeletion).values(rows)))


def _due_now(statement: Insert) -> Insert:
    """Let a file go now that was noted for later."""
    return statement.on_conflict_do_update(
        index_elements=[ImageDeletion.storage_key], set_={"due_at": func.now()}
    )
