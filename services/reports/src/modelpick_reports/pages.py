"""`/report/{token}`: the report as a page that needs no JavaScript."""

from collections import Counter, defaultdict
from typing import Any

from fastapi import APIRouter, Request, Response

from modelpick_reports import service
from modelpick_reports.dependencies import SharedReport, Snapshot, UsesParts
from modelpick_reports.share_endpoints import images_at
from modelpick_shared.document import ReportDocument
from modelpick_shared.http import Problem

router = APIRouter(default_response_class=Response)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


@router.get("/report/{token}")
async def report_page(
    request: Request, session: Snapshot, scope: SharedReport, parts: UsesParts, token: str
) -> Response:
    try:
        document = await service.document(session, scope, images_at=images_at(token))
    except Problem as problem:
        return parts.templates.TemplateResponse(
            request, "not_found.html", status_code=problem.status, headers=_HEADERS
        )
    values = page_values(document, token)
    return parts.templates.TemplateResponse(request, "report.html", values, headers=_HEADERS)


def page_values(document: ReportDocument, token: str) -> dict[str, Any]:
    """Return what the template shows: the models best first, and the unranked after them."""
    ranking = sorted(document.models, key=lambda model: (model.rank is None, model.rank or 0))
    return {
        "document": document,
        "ranking": ranking,
        "best": [model for model in ranking if model.rank == 1],
        "measured": Counter(run.model_id for run in document.runs if run.strict is not None),
        "mixtures": mixtures(document),
        "names": {model.id: model.name for model in document.models},
        "running": document.status in {"paid", "running"},
        "share": f"/api/share/{token}",
    }


def mixtures(document: ReportDocument) -> dict[str, list[tuple[str, int]]]:
    """Return the models that more than one provider served, each with its providers and their runs."""
    served: dict[str, Counter[str]] = defaultdict(Counter)
    for run in document.runs:
        if run.provider:
            served[run.model_id][run.provider] += 1
    return {model_id: providers.most_common() for model_id, providers in served.items() if len(providers) > 1}
