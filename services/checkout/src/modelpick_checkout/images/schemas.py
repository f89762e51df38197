from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, JsonValue

from modelpick_checkout.strict_json import check_expected_json
from modelpick_shared.db.customers import DraftImage


class ImageView(BaseModel):
    id: UUID
    position: int
    width: int
    height: int
    media_type: str
    bytes: int
    sha256: str
    expected_json: JsonValue
    url: str

    @classmethod
    def of(cls, image: DraftImage) -> Self:
        own = {name: getattr(image, name) for name in cls.model_fields.keys() - {"url"}}
        return cls(url=f"/api/drafts/{image.draft_id}/images/{image.id}/content", **own)


class ImagePatch(BaseModel):
    """What to change; a field that is not sent stays. An `expected_json` of null takes it away."""

    expected_json: Annotated[JsonValue, AfterValidator(check_expected_json)] = None
    position: Annotated[int, Field(ge=0, strict=True)] = 0
