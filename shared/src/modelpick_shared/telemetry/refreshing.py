import asyncio
from collections.abc import Awaitable, Callable

import structlog

from modelpick_shared.errors import TransientError

log = structlog.get_logger()


async def refresh_forever(read: Callable[[], Awaitable[None]], *, every_s: float) -> None:
    """Read the gauges that only a query can tell, until cancelled; what is away meanwhile is asked again.

    Whatever goes wrong, what the service is there for goes on.
    """
    while True:
        try:
            await read()
        except TransientError as error:
            log.warning("gauges.retry", reason=str(error))
        except Exception:
            log.exception("gauges.failed")
        await asyncio.sleep(every_s)
