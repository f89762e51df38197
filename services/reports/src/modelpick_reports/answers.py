"""How answers go out: what may be kept and by whom, and as which type."""

from fastapi import Response
from pydantic import BaseModel

from modelpick_reports import service
from modelpick_reports.dependencies import Parts
from modelpick_reports.documents import Export
from modelpick_reports.repository import Scope
from modelpick_reports.spreadsheet import csv_of

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
JSON = "application/json"
# An image never changes under its address, but whoever lost access should not keep it for long.
IMAGE_MAX_AGE_S = 3600


def json_answer(body: BaseModel) -> Response:
    return file_answer(body.model_dump_json(), JSON)


def file_answer(content: str | bytes, media_type: str, *, file_name: str | None = None) -> Response:
    """Answer with what nobody is to keep: a report moves, and a share link can be revoked.

    With a name browsers save it.
    """
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} | _attachment(file_name)
    return Response(content, media_type=media_type, headers=headers)


async def image_answer(parts: Parts, scope: Scope, index: int) -> Response:
    """Answer with an image; its type is one of those that can be uploaded, whatever is stored."""
    async with parts.database.transaction() as session:
        image = await service.image_place(session, scope, index)
    content = await service.image_content(parts.images, image)
    return Response(
        content,
        media_type=image.media_type if image.media_type in IMAGE_TYPES else "application/octet-stream",
        headers={
            "Cache-Control": f"private, max-age={IMAGE_MAX_AGE_S}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


async def json_file(parts: Parts, scope: Scope, *, images_at: str | None = None) -> Response:
    """Answer with the document as a file; its images are at the owner's addresses, or below `images_at`."""
    if images_at is None:
        report_id, body = await parts.documents.export(scope, Export.DOCUMENT)
    else:
        report_id, body = await parts.documents.json(scope, images_at=images_at)
    return file_answer(body, JSON, file_name=f"modelpick-report-{report_id}.json")


async def csv_file(parts: Parts, scope: Scope) -> Response:
    document = await parts.documents.document(scope)
    file_name = f"modelpick-report-{document.id}.csv"
    return file_answer(csv_of(document), "text/csv; charset=utf-8", file_name=file_name)


async def pdf_file(parts: Parts, scope: Scope) -> Response:
    report_id, body = await parts.documents.export(scope, Export.PDF)
    return file_answer(body, "application/pdf", file_name=f"modelpick-report-{report_id}.pdf")


def _attachment(file_name: str | None) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{file_name}"'} if file_name else {}
