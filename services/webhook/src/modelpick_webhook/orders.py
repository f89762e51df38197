"""The SQL of many orders at once: each statement serves a whole batch of payments."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SHARE_TOKEN_BYTES = 32

_LOCK_DRAFTS = text(
    """
    SELECT id FROM drafts
    WHERE id IN (SELECT draft_id FROM orders WHERE id = ANY(CAST(:ids AS uuid[])))
    ORDER BY id FOR UPDATE
    """
)
_LOCK_ORDERS = text(
    """
    SELECT id, draft_id, status, amount_cents, currency, stripe_session_id, (
        SELECT rival.id FROM orders AS rival
        WHERE rival.draft_id = orders.draft_id AND rival.status = 'paid' AND rival.id <> orders.id LIMIT 1
    ) AS rival_id
    FROM orders WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
    """
)
_REVERSED = text(
    """
    SELECT payment_intent_id, 'refunded' FROM refunds WHERE payment_intent_id = ANY(CAST(:ids AS text[]))
    UNION ALL
    SELECT payment_intent_id, 'disputed' FROM disputes WHERE payment_intent_id = ANY(CAST(:ids AS text[]))
    """
)
_PAY = text(
    """
    WITH paid AS (
        SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS row (
            report_id uuid, order_id uuid, session_id text, payment_intent_id text, share_token text,
            traceparent text
        )
    ), settled AS (
        UPDATE orders
        SET status = 'paid', settled_at = now(), problem = NULL,
            stripe_session_id = paid.session_id, payment_intent_id = paid.payment_intent_id
        FROM paid WHERE orders.id = paid.order_id
        RETURNING orders.id, orders.user_id, orders.draft_id, orders.snapshot
    ), locked AS (
        UPDATE drafts SET status = 'paid', updated_at = now()
        FROM settled WHERE drafts.id = settled.draft_id
    )
    INSERT INTO reports (
        id, user_id, draft_id, order_id, stripe_session_id, email, status, share_token, config_snapshot,
        total_jobs, completed_jobs, spent_usd, reserved_usd, ceiling_usd, over_ceiling, revision, traceparent
    )
    SELECT paid.report_id, settled.user_id, settled.draft_id, settled.id, paid.session_id, users.email,
        'paid', paid.share_token, settled.snapshot,
        json_array_length(config.models) * json_array_length(config.images) * config.runs_per_image,
        0, 0, 0, :ceiling_usd, false, 0, paid.traceparent
    FROM paid JOIN settled ON settled.id = paid.order_id JOIN users ON users.id = settled.user_id
    CROSS JOIN json_to_record(settled.snapshot) AS config (models json, images json, runs_per_image integer)
    """
)


@dataclass
class LockedOrder:
    """An order whose row, and whose draft's row, nobody else changes before this transaction ends.

    `rival_id` is another order that has paid for the same draft.
    """

    id: UUID
    draft_id: UUID
    status: str
    amount_cents: int
    currency: str
    stripe_session_id: str | None
    rival_id: UUID | None


@dataclass(frozen=True)
class PaidOrder:
    order_id: UUID
    session_id: str
    payment_intent_id: str | None
    report_id: UUID
    amount_cents: int
    traceparent: str | None = None


async def lock(session: AsyncSession, order_ids: set[UUID]) -> dict[UUID, LockedOrder]:
    """Lock orders behind their drafts, as checkout does too, and each in its order: no two deadlock."""
    ids = {"ids": sorted(order_ids)}
    await session.execute(_LOCK_DRAFTS, ids)
    rows = await session.execute(_LOCK_ORDERS, ids)
    return {row.id: LockedOrder(*row) for row in rows}


async def reversed_payments(session: AsyncSession, payment_intent_ids: set[str]) -> dict[str, str]:
    """Return which of the payments were given back or are contested, and which of the two it is."""
    if not payment_intent_ids:
        return {}
    rows = await session.execute(_REVERSED, {"ids": sorted(payment_intent_ids)})
    return {row[0]: row[1] for row in rows}


async def make_reports(session: AsyncSession, paid: Sequence[PaidOrder], *, ceiling_usd: Decimal) -> None:
    """Settle orders and insert their reports; the snapshots, which may be large, never leave the database."""
    if paid:
        rows = to_json([_row(each) for each in paid]).decode()
        await session.execute(_PAY, {"rows": rows, "ceiling_usd": ceiling_usd})


def _row(paid: PaidOrder) -> dict[str, Any]:
    return {
        "report_id": paid.report_id,
        "order_id": paid.order_id,
        "session_id": paid.session_id,
        "payment_intent_id": paid.payment_intent_id,
        "traceparent": paid.traceparent,
        "share_token": secrets.token_urlsafe(SHARE_TOKEN_BYTES),
    }
