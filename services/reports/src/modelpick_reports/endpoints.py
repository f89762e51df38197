"""What an owner sees of their reports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

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
from modelpick_reports.dependencies import Number, ReportId, Snapshot, Transaction, UsesParts
from modelpick_reports.documents import Export
from modelpick_reports.repository import owned_by
from modelpick_reports.schemas import ReportList, ReportView, ShareRequest, ShareView, WholeRun
from modelpick_shared.document import ReportDocument
from modelpick_shared.http.request_body import json_body, takes
from modelpick_shared.http.sessions import CurrentUser

router = APIRouter(prefix="/api/reports")


@router.get("", response_model=ReportList)
async def list_reports(session: Snapshot, user: CurrentUser) -> Response:
    return json_answer(ReportList(items=await service.list_reports(session, owned_by(user.id))))


@router.get("/{report_id}", response_model=ReportView)
async def get_report(session: Snapshot, user: CurrentUser, report_id: ReportId) -> Response:
    return json_answer(await service.view_report(session, owned_by(user.id, report_id)))


@router.get("/{report_id}/document", response_model=ReportDocument)
async def get_document(parts: UsesParts, user: CurrentUser, report_id: ReportId) -> Response:
    _, body = await parts.documents.export(owned_by(user.id, report_id), Export.DOCUMENT)
    return file_answer(body, JSON)


@router.get("/{report_id}/images/{index}", response_class=Response)
async def get_image(parts: UsesParts, user: CurrentUser, report_id: ReportId, index: Number) -> Response:
    return await image_answer(parts, owned_by(user.id, report_id), index)


@router.get("/{report_id}/runs/{number}", response_model=WholeRun)
async def get_run(session: Snapshot, user: CurrentUser, report_id: ReportId, number: Number) -> Response:
    return json_answer(await service.whole_run(session, owned_by(user.id, report_id), number))


@router.get("/{report_id}/export.json", response_model=ReportDocument)
async def export_json(parts: UsesParts, user: CurrentUser, report_id: ReportId) -> Response:
    return await json_file(parts, owned_by(user.id, report_id))


@router.get("/{report_id}/export.csv", response_class=Response)
async def export_csv(parts: UsesParts, user: CurrentUser, report_id: ReportId) -> Response:
    return await csv_file(parts, owned_by(user.id, report_id))


@router.get("/{report_id}/export.pdf", response_class=Response)
async def export_pdf(parts: UsesParts, user: CurrentUser, report_id: ReportId) -> Response:
    return await pdf_file(parts, owned_by(user.id, report_id))


@router.post("/{report_id}/share", openapi_extra=takes(ShareRequest))
async def share(
    user: CurrentUser,
    report_id: ReportId,
    wanted: Annotated[ShareRequest, Depends(json_body(ShareRequest))],
    session: Transaction,
) -> ShareView:
    return await service.share(session, owned_by(user.id, report_id), enabled=wanted.enabled)
