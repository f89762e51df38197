"""How figures read on a page; what is absent is a dash."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

ABSENT = "–"  # noqa: RUF001 - a dash, as typesetters use it


def percent(rate: float | None) -> str:
    return ABSENT if rate is None else f"{100 * rate:.1f} %"


def interval(bounds: Sequence[float] | None) -> str:
    """Write both ends of an interval of rates."""
    return ABSENT if bounds is None else f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f} %"


def seconds(latency_ms: int | None) -> str:
    return ABSENT if latency_ms is None else f"{latency_ms / 1000:.1f} s"


def usd(amount: Decimal | None) -> str:
    return ABSENT if amount is None else f"${amount:,.2f}"


def fine_usd(amount: Decimal | None) -> str:
    """Write the cost of a single call, which is often far below a cent."""
    return ABSENT if amount is None else f"${amount:,.5f}"


def moment(time: datetime | None) -> str:
    return ABSENT if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


FILTERS: dict[str, Callable[..., str]] = {
    "percent": percent,
    "interval": interval,
    "seconds": seconds,
    "usd": usd,
    "fine_usd": fine_usd,
    "moment": moment,
}
