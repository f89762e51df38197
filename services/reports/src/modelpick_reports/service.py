"""What the service reads out of a report."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_reports import repository
from modelpick_reports.hub import State
from modelpick_reports.repository import Scope, StoredImage
from modelpick_reports.schemas import ReportView, ShareView, WholeRun
from modelpick_shared.db import Database
from modelpick_shared.document import IN_FULL, run_entry
from modelpick_shared.http import Problem
from modelpick_shared.http.problems import not_found
from modelpick_shared.images import ImageStore, MissingImageError

TOKEN_BYTES = 32


async def list_reports(session: AsyncSession, scope: Scope) -> list[ReportView]:
    return [view for _, view in await repository.views(session, scope)]


async def view_report(session: AsyncSession, scope: Scope) -> ReportView:
    """Return a report at a glance, or answer 404."""
    found = await repository.views(session, scope)
    if not found:
        raise not_found()
    return found[0].view


async def whole_run(session: AsyncSession, scope: Scope, number: int) -> WholeRun:
    """Return the run of that position in the report's plan, or answer 404."""
    report = await repository.report_of(session, scope)
    if report is None or number >= report.config.total_jobs:
        raise not_found()
    model_image, run_index = divmod(number, report.config.runs_per_image)
    model, image_index = divmod(model_image, len(report.config.images))
    run = await repository.run_of(
        session,
        report.facts.id,
        model_id=report.config.models[model].id,
        image_index=image_index,
        run_index=run_index,
    )
    if run is None:
        raise not_found()
    entry = run_entry(run, number, IN_FULL)
    return WholeRun(**dict(entry), expected=report.config.images[image_index].expected)


async def image_place(session: AsyncSession, scope: Scope, index: int) -> StoredImage:
    """Return where an image of the report lies, or answer 404, which says so when it was removed."""
    image = await repository.image_of(session, scope, index)
    if image is None:
        raise not_found()
    if image.removed_at is not None:
        raise Problem(HTTPStatus.NOT_FOUND, images_removed(image.removed_at))
    return image


def images_removed(removed_at: datetime) -> str:
    """Say that a report's images are gone."""
    return (
        f"The images of this report were removed on {removed_at.astimezone(UTC):%Y-%m-%d}: "
        "images are kept for a limited time."
    )


async def image_content(store: ImageStore, image: StoredImage) -> bytes:
    """Read an image; one that is deleted by now is 404."""
    try:
        return await store.get(image.key)
    except MissingImageError:
        raise not_found() from None


async def share(session: AsyncSession, scope: Scope, *, enabled: bool) -> ShareView:
    """Open a report by a new token, or close it; either way the old token opens nothing any more."""
    token = secrets.token_urlsafe(TOKEN_BYTES) if enabled else None
    if not await repository.set_share_token(session, scope, token):
        raise not_found()
    return ShareView(enabled=enabled, share_token=token)


class StateReader:
    """Reads the reports that browsers watch, all that moved together in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, report_ids: Sequence[UUID]) -> Mapping[UUID, State]:
        async with self._database.snapshot() as session:
            found = await repository.views(session, repository.any_of(report_ids))
        return {
            view.id: State(revision=revision, body=view.model_dump_json(), ended=view.ended)
            for revision, view in found
        }
