"""What anybody sees who has a report's token."""

from fastapi import APIRouter, Response

from modelpick_reports import service
from modelpick_reports.answers import csv_answer, image_answer, json_answer
from modelpick_reports.dependencies import Number, SharedReport, Snapshot, UsesParts
from modelpick_reports.schemas import WholeRun
from modelpick_reports.spreadsheet import csv_of
from modelpick_shared.document import ReportDocument

router = APIRouter(prefix="/api/share/{token}")


@router.get("", response_model=ReportDocument)
async def get_document(session: Snapshot, scope: SharedReport, token: str) -> Response:
    return json_answer(await service.document(session, scope, images_at=images_at(token)))


@router.get("/images/{index}", response_class=Response)
async def get_image(scope: SharedReport, index: Number, parts: UsesParts) -> Response:
    return await image_answer(parts, scope, index)


@router.get("/runs/{number}", response_model=WholeRun)
async def get_run(session: Snapshot, scope: SharedReport, number: Number) -> Response:
    return json_answer(await service.whole_run(session, scope, number))


@router.get("/export.json", response_model=ReportDocument)
async def export_json(session: Snapshot, scope: SharedReport, token: str) -> Response:
    document = await service.document(session, scope, images_at=images_at(token))
    return json_answer(document, file_name=f"modelpick-report-{document.id}.json")


@router.get("/export.csv", response_class=Response)
async def export_csv(session: Snapshot, scope: SharedReport, token: str) -> Response:
    document = await service.document(session, scope, images_at=images_at(token))
    return csv_answer(csv_of(document), file_name=f"modelpick-report-{document.id}.csv")


def images_at(token: str) -> str:
    return f"/api/share/{token}/images"
