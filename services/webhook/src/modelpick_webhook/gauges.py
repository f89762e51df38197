"""Gauges of what lies in the webhook service's tables."""

from collections.abc import Iterable

from prometheus_client import Gauge
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from modelpick_shared.db import Database
from modelpick_shared.db.payments import Order, Refund
from modelpick_webhook.metrics import ORDERS, REFUNDS_NOW
from modelpick_webhook.schemas import RefundState

EVERY_S = 15.0
ORDER_STATUSES = ("open", "paid", "expired", "cancelled", "problem")


class PaymentGauges:
    """Counts orders and refunds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> None:
        await self._count(ORDERS, Order.status, ORDER_STATUSES)
        await self._count(REFUNDS_NOW, Refund.state, [state.value for state in RefundState])

    async def _count(self, gauge: Gauge, column: InstrumentedAttribute[str], values: Iterable[str]) -> None:
        async with self._database.transaction() as session:
            rows = await session.execute(select(column, func.count()).group_by(column))
            counts = {row[0]: row[1] for row in rows}
        for value in values:
            gauge.labels(value).set(counts.get(value, 0))
