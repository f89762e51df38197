from typing import Annotated

from fastapi import APIRouter, Depends, Response

from modelpick_checkout.dependencies import PathId, Transaction, UsesParts
from modelpick_checkout.drafts.schemas import (
    CatalogList,
    CatalogModel,
    DraftCreate,
    DraftList,
    DraftPatch,
    DraftView,
    Estimate,
    InferredSchema,
)
from modelpick_shared.http.request_body import json_body, takes
from modelpick_shared.http.sessions import CurrentUser

router = APIRouter(prefix="/api")


@router.get("/models")
async def models(parts: UsesParts) -> CatalogList:
    return CatalogList(items=[CatalogModel.model_validate(model.model_dump()) for model in parts.catalog])


@router.post("/drafts", status_code=201, openapi_extra=takes(DraftCreate))
async def create(
    user: CurrentUser,
    body: Annotated[DraftCreate, Depends(json_body(DraftCreate))],
    parts: UsesParts,
    session: Transaction,
) -> DraftView:
    return await parts.drafts.create(session, user.id, body.name)


@router.get("/drafts")
async def list_all(user: CurrentUser, parts: UsesParts) -> DraftList:
    return DraftList(items=await parts.drafts.all_of(parts.database, user.id))


@router.get("/drafts/{draft_id}")
async def get(draft_id: PathId, user: CurrentUser, parts: UsesParts) -> DraftView:
    return await parts.drafts.view(parts.database, user.id, draft_id)


@router.patch("/drafts/{draft_id}", openapi_extra=takes(DraftPatch))
async def change(
    draft_id: PathId,
    user: CurrentUser,
    body: Annotated[DraftPatch, Depends(json_body(DraftPatch))],
    parts: UsesParts,
) -> DraftView:
    return await parts.drafts.transaction(
        parts.database, lambda session: parts.drafts.change(session, user.id, draft_id, body)
    )


@router.delete("/drafts/{draft_id}", status_code=204)
async def delete(draft_id: PathId, user: CurrentUser, parts: UsesParts) -> Response:
    # The files go after the commit: a file without a row is waste, a row without its file is a fault.
    async with parts.database.transaction() as session:
        keys = await parts.drafts.delete(session, user.id, draft_id)
        await parts.images.let_go(session, draft_id, keys)
    await parts.images.discard(keys)
    return Response(status_code=204)


@router.post("/drafts/{draft_id}/copy", status_code=201)
async def copy(draft_id: PathId, user: CurrentUser, parts: UsesParts) -> DraftView:
    return await parts.copies.copy(user.id, draft_id)


@router.post("/drafts/{draft_id}/infer-schema")
async def infer_schema(
    draft_id: PathId, user: CurrentUser, parts: UsesParts, session: Transaction
) -> InferredSchema:
    schema = await parts.drafts.infer_schema(session, user.id, draft_id)
    return InferredSchema(json_schema=schema)


@router.get("/drafts/{draft_id}/estimate", response_model_exclude_none=True)
async def estimate(draft_id: PathId, user: CurrentUser, parts: UsesParts, session: Transaction) -> Estimate:
    return await parts.drafts.estimate(session, user.id, draft_id)
