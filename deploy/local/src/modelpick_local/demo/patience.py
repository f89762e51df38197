import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from modelpick_local.demo.errors import TooLateError

T = TypeVar("T")
_POLL_S = 0.1


async def patiently(ask: Callable[[], Awaitable[T | None]], *, for_what: str, within_s: float) -> T:
    """Ask again and again until there is an answer. Raises TooLateError."""
    gives_up_at = time.monotonic() + within_s
    while (answer := await ask()) is None:
        if time.monotonic() > gives_up_at:
            raise TooLateError(f"{for_what}: not within {within_s:g} s")
        await asyncio.sleep(_POLL_S)
    return answer
