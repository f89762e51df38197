from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from modelpick_checkout.dependencies import CountedUpload, PathId, UsesParts
from modelpick_checkout.images.schemas import ImagePatch, ImageView
from modelpick_checkout.images.upload import UPLOAD_FORM, read_upload
from modelpick_shared.http.problems import not_found
from modelpick_shared.http.request_body import json_body, takes
from modelpick_shared.http.sessions import CurrentUser
from modelpick_shared.images import MissingImageError

router = APIRouter(prefix="/api/drafts/{draft_id}/images")

_CONTENT_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"}


@router.post("", status_code=201, openapi_extra=UPLOAD_FORM)
async def upload(
    draft_id: PathId, user: CurrentUser, parts: UsesParts, request: Request, _: CountedUpload
) -> ImageView:
    await parts.images.check_editable(user.id, draft_id)
    return await parts.images.add(user.id, draft_id, await read_upload(request))


@router.patch("/{image_id}", openapi_extra=takes(ImagePatch))
async def change(
    draft_id: PathId,
    image_id: PathId,
    user: CurrentUser,
    *,
    body: Annotated[ImagePatch, Depends(json_body(ImagePatch))],
    parts: UsesParts,
) -> ImageView:
    return await parts.images.change(user.id, draft_id, image_id, body)


@router.delete("/{image_id}", status_code=204)
async def delete(draft_id: PathId, image_id: PathId, user: CurrentUser, parts: UsesParts) -> Response:
    await parts.images.delete(user.id, draft_id, image_id)
    return Response(status_code=204)


@router.get("/{image_id}/content")
async def content(draft_id: PathId, image_id: PathId, user: CurrentUser, parts: UsesParts) -> Response:
    try:
        file, media_type = await parts.images.content(user.id, draft_id, image_id)
    except MissingImageError as error:
        raise not_found() from error
    return Response(file, media_type=media_type, headers=_CONTENT_HEADERS)
