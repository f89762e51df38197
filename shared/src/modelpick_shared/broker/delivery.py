import builtins
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from aiormq.abc import DeliveredMessage
from pydantic import ValidationError

from modelpick_shared.broker.publisher import OutgoingMessage
from modelpick_shared.broker.topology import Exchange
from modelpick_shared.contracts import Envelope, Message
from modelpick_shared.contracts.envelope import MessageMismatchError
from modelpick_shared.errors import InvalidMessageError

M = TypeVar("M", bound=Message)

_REASON_LIMIT = 2000


class Verdict(StrEnum):
    """What becomes of a delivery."""

    ACK = "ack"
    RETRY = "retry"
    DEAD_LETTER = "dead_letter"


@dataclass(frozen=True)
class Delivery:
    """A message as it came off the wire."""

    body: bytes
    type: str
    message_id: str
    correlation_id: str | None
    headers: dict[str, str]
    redelivered: bool

    @classmethod
    def of(cls, incoming: DeliveredMessage) -> "Delivery":
        properties = incoming.header.properties
        headers = {str(name): str(value) for name, value in (properties.headers or {}).items()}
        return cls(
            body=incoming.body,
            type=properties.message_type or "",
            message_id=properties.message_id or "",
            correlation_id=properties.correlation_id,
            headers=headers,
            redelivered=bool(incoming.redelivered),
        )

    def envelope(self) -> Envelope:
        """Return the envelope. Raises InvalidMessageError."""
        try:
            return Envelope.model_validate_json(self.body)
        except ValidationError as error:
            raise InvalidMessageError(f"not an envelope: {_short(error)}") from error

    def open(self, message_type: builtins.type[M]) -> M:
        """Return the message inside. Raises InvalidMessageError."""
        try:
            return Envelope.open(self.body, message_type)
        except ValidationError as error:
            raise InvalidMessageError(f"not an envelope: {_short(error)}") from error
        except MessageMismatchError as error:
            raise InvalidMessageError(str(error)) from error

    def as_dead_letter(self, queue_name: str, reason: str, attempts: int) -> OutgoingMessage:
        """Return the message to lay down, with why, where from, how often tried and since when."""
        now = datetime.now(UTC).isoformat()
        headers = self.headers | {
            "x-reason": reason[:_REASON_LIMIT],
            "x-queue": queue_name,
            "x-attempts": str(attempts),
            "x-last-failed-at": now,
        }
        headers.setdefault("x-first-failed-at", now)
        return OutgoingMessage(
            exchange=Exchange.DEAD.value,
            routing_key=queue_name,
            body=self.body,
            type=self.type,
            message_id=self.message_id,
            correlation_id=self.correlation_id,
            headers=headers,
        )

    def sent_again(self, queue_name: str) -> OutgoingMessage:
        """Return a dead letter as it is to go to a work queue again; that it failed before stays known."""
        left_behind = {"x-reason", "x-queue", "x-attempts", "x-last-failed-at"}
        headers = {name: value for name, value in self.headers.items() if name not in left_behind}
        return OutgoingMessage(
            exchange="",
            routing_key=queue_name,
            body=self.body,
            type=self.type,
            message_id=self.message_id,
            correlation_id=self.correlation_id,
            headers=headers,
        )

    @property
    def report_id(self) -> UUID | None:
        try:
            return UUID(self.correlation_id) if self.correlation_id else None
        except ValueError:
            return None


def _short(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
