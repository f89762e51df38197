import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import event, insert
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.broker.topology import Service, route
from modelpick_shared.contracts import Envelope, Message
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.ids import new_id
from modelpick_shared.telemetry import trace_headers


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
        await session.execute(insert(OutboxMessage), self._rows(messages, erase_body=erase_body))
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
