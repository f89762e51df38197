"""`/report/{token}`: the report as a page that needs no JavaScript."""

import json
from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import JsonValue

from modelpick_reports import repository
from modelpick_reports.dependencies import Parts, SharedReport, UsesParts
from modelpick_reports.exports.answer import answer_of, cheapest, leaders, ranking
from modelpick_reports.formats import shown_name
from modelpick_reports.service import images_removed
from modelpick_reports.share_endpoints import images_at
from modelpick_shared.document import ReportDocument, flipping_fields
from modelpick_shared.http import Problem
from modelpick_shared.http.sessions import SESSION_COOKIE, SessionReader, SignedInUser

router = APIRouter(default_response_class=Response)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
        "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


@router.get("/report/{token}")
async def report_page(request: Request, scope: SharedReport, parts: UsesParts, token: str) -> Response:
    visitor = await _visitor(request)
    try:
        _, body = await parts.documents.json(scope, images_at=images_at(token))
        async with parts.database.transaction() as session:
            removed_at = await repository.images_removed_at(session, scope)
    except Problem as problem:
        return parts.templates.TemplateResponse(
            request, "not_found.html", {"visitor": visitor}, status_code=problem.status, headers=_HEADERS
        )
    values = page_values(ReportDocument.model_validate_json(body), token, site_url=parts.site_url)
    values["images_removed"] = images_removed(removed_at) if removed_at else None
    values["visitor"] = visitor
    values["is_owners"] = await _is_owners(visitor, parts, values["document"].id)
    return parts.templates.TemplateResponse(request, "report.html", values, headers=_HEADERS)


async def _visitor(request: Request) -> SignedInUser | None:
    """Return who is signed in. A bearer token opens no page."""
    sessions: SessionReader = request.app.state.sessions
    cookie = request.cookies.get(SESSION_COOKIE)
    return await sessions.user_of(cookie) if cookie else None


async def _is_owners(visitor: SignedInUser | None, parts: Parts, report_id: UUID) -> bool:
    """Say whether the reader owns the report, and so may stop sharing it."""
    if visitor is None:
        return False
    async with parts.database.transaction() as session:
        return await repository.exists(session, repository.owned_by(visitor.id, report_id))


def page_values(document: ReportDocument, token: str, *, site_url: str) -> dict[str, Any]:
    """Return what the template shows: the models best first, and the unranked after them."""
    return {
        "document": document,
        "answer": answer_of(document),
        "leaders": leaders(document) if document.status != "failed" else [],
        "cheapest": cheapest(document)[0],
        "ranking": ranking(document),
        "measured": Counter(run.model_id for run in document.runs if run.strict is not None),
        "mixtures": mixtures(document),
        "near_misses": near_misses(document),
        "flips": flips(document),
        "names": {model.id: model.name for model in document.models},
        "shown_names": {model.id: shown_name(model) for model in document.models},
        "schema": _indented(document.config.json_schema),
        "running": document.status in {"paid", "running"},
        "share": f"/api/share/{token}",
        "page_url": f"{site_url}/report/{token}",
        "preview_url": f"{site_url}/api/share/{token}/preview.png",
    }


def _indented(schema: dict[str, JsonValue] | None) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) if schema else ""


def near_misses(document: ReportDocument) -> list[tuple[str, int]]:
    """Return what would have rescued differences, with how many, most first."""
    reasons = Counter(diff.rescued_by for run in document.runs for diff in run.diffs if diff.rescued_by)
    return reasons.most_common()


def flips(document: ReportDocument) -> dict[str, list[tuple[str, float]]]:
    """Return by model the fields that some runs of an image read right and others wrong, most often first.

    Each with the share of the images on which it flips; models without any are left out.
    """
    shares = flipping_fields(document)
    ordered = {
        model_id: sorted(((path, share) for path, share in paths.items() if share), key=lambda item: -item[1])
        for model_id, paths in shares.items()
    }
    return {model_id: paths for model_id, paths in ordered.items() if paths}


def mixtures(document: ReportDocument) -> dict[str, list[tuple[str, int]]]:
    """Return the models that more than one provider served, each with its providers and their runs."""
    served: dict[str, Counter[str]] = defaultdict(Counter)
    for run in document.runs:
        if run.provider:
            served[run.model_id][run.provider] += 1
    return {model_id: providers.most_common() for model_id, providers in served.items() if len(providers) > 1}
