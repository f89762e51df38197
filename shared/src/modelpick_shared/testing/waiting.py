import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    condition: Callable[[], T] | Callable[[], Awaitable[T]], *, within_s: float = 10.0, every_s: float = 0.02
) -> T:
    """Return the first true value of `condition`. Raises AssertionError when there is none in time."""
    ends_at = time.monotonic() + within_s
    while True:
        value = condition()
        if isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > ends_at:
            raise AssertionError(f"not within {within_s} s; the last value was {value!r}")
        await asyncio.sleep(every_s)
