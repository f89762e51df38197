from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot
from modelpick_shared.db.tables import Draft, Order, Report, User
from modelpick_shared.ids import new_id


def an_image(number: int, expected: Any = None) -> ImageSnapshot:
    """Return an image of a report that exists in no store."""
    return ImageSnapshot(
        key=f"images/{number}",
        sha256=f"{number:064x}",
        media_type="image/png",
        width=800,
        height=1000,
        bytes=200_000,
        expected={"total": number} if expected is None else expected,
    )


def config_snapshot(
    *, models: int = 2, images: int = 2, runs: int = 3, tier: str | None = None
) -> ConfigSnapshot:
    """Return the configuration of a report with the first models of the catalogue."""
    catalog = [model for model in load_catalog() if tier is None or model.tier == tier]
    return ConfigSnapshot(
        models=catalog[:models],
        images=[an_image(number) for number in range(images)],
        extraction_prompt="Read the receipt.",
        runs_per_image=runs,
    )


def an_order_for(user_id: UUID, draft_id: UUID, config: ConfigSnapshot) -> Order:
    """Return an order with a Stripe session of its own."""
    order_id = new_id()
    return Order(
        id=order_id,
        user_id=user_id,
        draft_id=draft_id,
        amount_cents=1499,
        snapshot=config.model_dump(mode="json"),
        stripe_session_id=f"cs_test_{order_id.hex}",
        expires_at=datetime.now(UTC) + timedelta(minutes=31),
    )


async def insert_report(session: AsyncSession, config: ConfigSnapshot, **columns: Any) -> Report:
    """Insert a paid report of a new customer, with its draft and order."""
    user = User(id=new_id(), email=f"{new_id().hex}@example.com")
    session.add(user)
    await session.flush()
    draft = Draft(id=new_id(), user_id=user.id, extraction_prompt=config.extraction_prompt, status="paid")
    order = an_order_for(user.id, draft.id, config)
    order.status = "paid"
    session.add_all([draft, order])
    await session.flush()
    values = {
        "user_id": user.id,
        "draft_id": draft.id,
        "order_id": order.id,
        "stripe_session_id": order.stripe_session_id,
        "email": user.email,
        "share_token": new_id().hex,
        "config_snapshot": config.model_dump(mode="json"),
        "total_jobs": config.total_jobs,
        "ceiling_usd": Decimal("7.00"),
    }
    report = Report(**(values | columns))
    session.add(report)
    await session.flush()
    return report
