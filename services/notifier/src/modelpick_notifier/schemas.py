"""Resend's events, as far as they matter here."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from modelpick_notifier.errors import InvalidEventError
from modelpick_notifier.transport.resend import MAIL_TAG

_LONGEST_DETAIL = 500


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Bounce(_Lenient):
    type: str = ""
    subtype: str = Field(default="", alias="subType")
    message: str = ""


class Failure(_Lenient):
    reason: str = ""


class Suppression(_Lenient):
    type: str = ""
    message: str = ""


class Tag(_Lenient):
    name: str = ""
    value: str = ""


class EventData(_Lenient):
    """About one mail; `tags` is documented as a list and as an object."""

    email_id: str = ""
    tags: dict[str, str] | list[Tag] = {}
    bounce: Bounce | None = None
    failed: Failure | None = None
    suppressed: Suppression | None = None

    @property
    def mail_tag(self) -> str | None:
        if isinstance(self.tags, dict):
            return self.tags.get(MAIL_TAG)
        return next((tag.value for tag in self.tags if tag.name == MAIL_TAG), None)

    @property
    def detail(self) -> str | None:
        """Return why it came to this, in the mail service's words."""
        parts: list[str] = []
        if self.bounce:
            parts = [f"{self.bounce.type}/{self.bounce.subtype}".strip("/"), self.bounce.message]
        elif self.failed:
            parts = [self.failed.reason]
        elif self.suppressed:
            parts = [self.suppressed.type, self.suppressed.message]
        text = ": ".join(part for part in parts if part)
        return text.replace("\x00", "")[:_LONGEST_DETAIL] or None


class Event(_Lenient):
    type: str
    created_at: AwareDatetime
    data: EventData


class _AnyEvent(_Lenient):
    type: str


def parse_event(body: bytes, wanted: frozenset[str]) -> Event | str:
    """Return an event of a type in `wanted`, or any other's type. Raises InvalidEventError."""
    try:
        kind = _AnyEvent.model_validate_json(body).type
        return Event.model_validate_json(body) if kind in wanted else kind
    except ValidationError as error:
        raise InvalidEventError("the body is no event") from error
