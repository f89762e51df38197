"""What may be sent: the body of `POST /emails`."""

import re
from email.utils import parseaddr
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from modelpick_simulators.mail.resend.errors import ResendError

MOST_RECIPIENTS = 50
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
T = TypeVar("T")


def _address(value: str) -> str:
    if not value.isprintable() or not _ADDRESS.fullmatch(parseaddr(value)[1]):
        raise ValueError(
            "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format."
        )
    return value


def _tag(value: str) -> str:
    if not _TAG.fullmatch(value):
        raise ValueError("Tags should only contain ASCII letters, numbers, underscores, or dashes.")
    return value


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError("The `\\n` is not allowed.")
    return value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[list[Address], BeforeValidator(_as_list), Field(max_length=MOST_RECIPIENTS)]
TagText = Annotated[str, AfterValidator(_tag)]


class Tag(BaseModel):
    name: TagText
    value: TagText


class NewEmail(BaseModel):
    model_config = ConfigDict(extra="ignore")

    sender: Address = Field(alias="from")
    to: Annotated[Addresses, Field(min_length=1)]
    subject: Annotated[str, AfterValidator(_one_line)]
    html: str | None = None
    text: str | None = None
    cc: Addresses = []
    bcc: Addresses = []
    reply_to: Addresses = []
    headers: dict[str, str] = {}
    tags: list[Tag] = []
    scheduled_at: str | None = None


def parse_email(body: bytes) -> NewEmail:
    """Return the mail of a request body. Raises ResendError as Resend would answer."""
    try:
        email = NewEmail.model_validate_json(body)
    except ValidationError as problem:
        raise _refusal(problem) from problem
    if email.html is None and email.text is None:
        raise ResendError("validation_error", "Missing `html` or `text` field.")
    return email


def _refusal(problem: ValidationError) -> ResendError:
    first = problem.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "body"
    if first["type"] == "missing":
        return ResendError("missing_required_field", f"Missing `{field}` field.")
    return ResendError(
        "validation_error", f"Invalid `{field}` field. {first['msg'].removeprefix('Value error, ')}"
    )
