"""Tables of the system's own upkeep."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from modelpick_shared.db.base import Base


class HousekeepingRecord(Base):
    """When a kind of housekeeping was last tried and last done, and what came of it; one row a kind."""

    __tablename__ = "housekeeping"

    kind: Mapped[str] = mapped_column(primary_key=True)
    tried_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    removed: Mapped[int]
    duration_s: Mapped[Decimal]
    error: Mapped[str | None]
