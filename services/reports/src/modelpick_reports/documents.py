"""What is made of reports: document, PDF and preview picture. Of an ended report once, and stored."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from uuid import UUID
from weakref import WeakValueDictionary

from modelpick_reports import repository
from modelpick_reports.exports import pdf_of, preview_of
from modelpick_reports.metrics import EXPORT_SECONDS
from modelpick_reports.repository import Scope
from modelpick_shared.db import Database
from modelpick_shared.document import ReportDocument, build_document
from modelpick_shared.http.problems import not_found


class Export(StrEnum):
    """Something that is made of a report and kept."""

    DOCUMENT = "document"
    PDF = "pdf"
    PREVIEW = "preview"


_RENDERERS: dict[Export, Callable[[ReportDocument], bytes]] = {
    Export.PDF: pdf_of,
    Export.PREVIEW: preview_of,
}
ENDED = ("complete", "partial", "failed")


class Documents:
    """Makes them when they are asked for first; of a report that still runs, anew each time.

    Every method answers 404 for a report outside the scope.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._locks: WeakValueDictionary[tuple[UUID, Export], asyncio.Lock] = WeakValueDictionary()

    async def document(self, scope: Scope) -> ReportDocument:
        """Return the document, with its images at the owner's addresses."""
        _, body = await self.export(scope, Export.DOCUMENT)
        return ReportDocument.model_validate_json(body)

    async def json(self, scope: Scope, *, images_at: str) -> tuple[UUID, bytes]:
        """Return the report's id, and its document as JSON with its images below the address `images_at`."""
        report_id, body = await self.export(scope, Export.DOCUMENT)
        return report_id, _with_images_at(images_at, body, report_id)

    async def prepare(self, report_id: UUID) -> None:
        """Make the document of a report that has just ended, before anybody asks."""
        await self.export(repository.any_of([report_id]), Export.DOCUMENT)

    async def export(self, scope: Scope, kind: Export) -> tuple[UUID, bytes]:
        """Return the report's id, and its document as JSON, its PDF or its preview as PNG."""
        report_id, body = await self._found(scope, kind)
        if body is not None:
            return report_id, body
        # One at a time: when a report ends, all who watch it ask at once.
        lock = self._locks.setdefault((report_id, kind), asyncio.Lock())
        async with lock:
            report_id, body = await self._found(scope, kind)
            return report_id, body if body is not None else await self._make(scope, kind)

    async def _found(self, scope: Scope, kind: Export) -> tuple[UUID, bytes | None]:
        async with self._database.snapshot() as session:
            found = await repository.export_of(session, scope, kind.value, statuses=ENDED)
        if found is None:
            raise not_found()
        return found

    async def _make(self, scope: Scope, kind: Export) -> bytes:
        document = await (self._built(scope) if kind is Export.DOCUMENT else self.document(scope))
        with EXPORT_SECONDS.labels(kind=kind.value).time():
            body = await asyncio.to_thread(_rendered, document, kind)
        if document.status in ENDED:
            async with self._database.transaction() as session:
                await repository.store_export(session, document.id, kind.value, document.revision, body)
        return body

    async def _built(self, scope: Scope) -> ReportDocument:
        async with self._database.snapshot() as session:
            report = await repository.report_of(session, scope)
            if report is None:
                raise not_found()
            runs = await repository.runs_of(session, report.facts.id)
        address = owners_images_at(report.facts.id)
        return await asyncio.to_thread(
            build_document, report.facts, report.config, runs, image_url=lambda index: f"{address}/{index}"
        )


def owners_images_at(report_id: UUID) -> str:
    return f"/api/reports/{report_id}/images"


def _rendered(document: ReportDocument, kind: Export) -> bytes:
    if kind is Export.DOCUMENT:
        return document.model_dump_json().encode()
    return _RENDERERS[kind](document)


def _with_images_at(address: str, body: bytes, report_id: UUID) -> bytes:
    """Put the images of a stored document elsewhere.

    Nothing else in it reads so: whoever wrote the expected JSON or an answer could not know the report's id.
    """
    return body.replace(f'"url":"{owners_images_at(report_id)}/'.encode(), f'"url":"{address}/'.encode())
