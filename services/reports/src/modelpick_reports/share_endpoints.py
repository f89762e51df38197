"""What anybody sees who has a report's token."""

from fastapi import APIRouter, Response

from modelpick_reports import service
from modelpick_reports.answers import (
    JSON,
    csv_file,
    file_answer,
    image_answer,
    json_answer,
    json_file,
    pdf_file,
)
from modelpick_reports.dependencies import Number, SharedReport, Snapshot, UsesParts
from modelpick_reports.documents import Export
from modelpick_reports.schemas import WholeRun
from modelpick_shared.document import ReportDocument

router = APIRouter(prefix="/api/share/{token}")


@router.get("", response_model=ReportDocument)
async def get_document(parts: UsesParts, scope: SharedReport, token: str) -> Response:
    _, body = await parts.documents.json(scope, images_at=images_at(token))
    return file_answer(body, JSON)


@router.get("/images/{index}", response_class=Response)
async def get_image(scope: SharedReport, index: Number, parts: UsesParts) -> Response:
    return await image_answer(parts, scope, index)


@router.get("/runs/{number}", response_model=WholeRun)
async def get_run(session: Snapshot, scope: SharedReport, number: Number) -> Response:
    return json_answer(await service.whole_run(session, scope, number))


@router.get("/export.json", response_model=ReportDocument)
async def export_json(parts: UsesParts, scope: SharedReport, token: str) -> Response:
    return await json_file(parts, scope, images_at=images_at(token))


@router.get("/export.csv", response_class=Response)
async def export_csv(parts: UsesParts, scope: SharedReport) -> Response:
    return await csv_file(parts, scope)


@router.get("/export.pdf", response_class=Response)
async def export_pdf(parts: UsesParts, scope: SharedReport) -> Response:
    return await pdf_file(parts, scope)


@router.get("/preview.png", response_class=Response)
async def preview(parts: UsesParts, scope: SharedReport) -> Response:
    """Answer with the picture that messengers and social networks show beside a link to the report."""
    _, body = await parts.documents.export(scope, Export.PREVIEW)
    return file_answer(body, "image/png")


def images_at(token: str) -> str:
    return f"/api/share/{token}/images"
