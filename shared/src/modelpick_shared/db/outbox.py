import asyncio
from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.broker.topology import Service, route
from modelpick_shared.contracts import Envelope, Message
from modelpick_shared.ids import new_id
from modelpick_shared.telemetry import trace_headers

# One statement for all rows, however many.
_INSERT = text(
    """
    INSERT INTO outbox (
        id, source, exchange, routing_key, type, correlation_id, body, headers, erase_body
    )
    SELECT id, source, exchange, routing_key, type, correlation_id, body, headers, erase_body
    FROM json_to_recordset(CAST(:rows AS json)) AS message (
        id uuid, source text, exchange text, routing_key text, type text, correlation_id uuid, body text,
        headers json, erase_body boolean
    )
    """
)


class Outbox:
    """Where a service puts messages to publish, inside the transaction that they tell of."""

    def __init__(self, source: Service) -> None:
        self.source = source
        self.committed = asyncio.Event()

    async def add(self, session: AsyncSession, *messages: Message, erase_body: bool = False) -> None:
        """Insert the messages; the relay is woken when the transaction has committed.

        `erase_body` removes the body once it is sent: for messages that carry a secret.
        """
        if not messages:
            return
        rows = self._rows(messages, erase_body=erase_body)
        await session.execute(_INSERT, {"rows": to_json(rows).decode()})
        event.listen(session.sync_session, "after_commit", lambda _: self.committed.set(), once=True)

    def _rows(self, messages: Sequence[Message], *, erase_body: bool) -> list[dict[str, Any]]:
        headers = trace_headers()
        rows = []
        for message in messages:
            row_id = new_id()
            exchange, routing_key = route(message)
            rows.append(
                {
                    "id": row_id,
                    "source": self.source.value,
                    "exchange": exchange.value,
                    "routing_key": routing_key,
                    "type": message.TYPE,
                    "correlation_id": message.correlation_id(),
                    "body": Envelope.encode(message, message_id=row_id),
                    "headers": headers,
                    "erase_body": erase_body,
                }
            )
        return rows
