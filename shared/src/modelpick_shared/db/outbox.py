import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.broker.topology import Service, route
from modelpick_shared.contracts import Envelope, Message
from modelpick_shared.db.commits import after_commit
from modelpick_shared.ids import new_id
from modelpick_shared.telemetry import headers_within, trace_headers

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

    async def add(
        self,
        session: AsyncSession,
        *messages: Message,
        erase_body: bool = False,
        traces: Mapping[UUID, str | None] | None = None,
    ) -> None:
        """Insert the messages; the relay is woken when the transaction has committed.

        `erase_body` removes the body once it is sent: for messages that carry a secret. `traces` has the
        `traceparent` of reports: what is about one of them belongs to its trace, whatever is going on.
        """
        if not messages:
            return
        rows = self._rows(messages, traces or {}, erase_body=erase_body)
        await session.execute(_INSERT, {"rows": to_json(rows).decode()})
        after_commit(session, self.committed.set)

    def _rows(
        self, messages: Sequence[Message], traces: Mapping[UUID, str | None], *, erase_body: bool
    ) -> list[dict[str, Any]]:
        present = trace_headers()
        rows = []
        for message in messages:
            row_id = new_id()
            exchange, routing_key = route(message)
            report_id = message.correlation_id()
            traceparent = traces.get(report_id) if report_id else None
            rows.append(
                {
                    "id": row_id,
                    "source": self.source.value,
                    "exchange": exchange.value,
                    "routing_key": routing_key,
                    "type": message.TYPE,
                    "correlation_id": report_id,
                    "body": Envelope.encode(message, message_id=row_id),
                    "headers": headers_within(traceparent, present),
                    "erase_body": erase_body,
                }
            )
        return rows
