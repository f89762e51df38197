"""How answers go out: what may be kept and by whom, and as which type."""

from fastapi import Response
from pydantic import BaseModel

from modelpick_reports import service
from modelpick_reports.dependencies import Parts
from modelpick_reports.repository import Scope

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
# An image never changes under its address, but whoever lost access should not keep it for long.
IMAGE_MAX_AGE_S = 3600


def json_answer(body: BaseModel, *, file_name: str | None = None) -> Response:
    """Answer in JSON that nobody keeps: a report moves, and a share link can be revoked."""
    return Response(
        body.model_dump_json(),
        media_type="application/json",
        headers={"Cache-Control": "no-store"} | _attachment(file_name),
    )


def csv_answer(content: str, *, file_name: str) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} | _attachment(file_name)
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


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


def _attachment(file_name: str | None) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{file_name}"'} if file_name else {}
