"""A reply and the manners in which it reaches the caller, or does not."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from starlette.types import Receive, Send

TRICKLED_BYTES = 64
TRICKLE_PAUSE_S = 0.05


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    outcome: str
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    manner: str = "whole"
    cost_usd: Decimal = Decimal(0)
    answers: bool = False
    """Whether the caller got its answer, right or wrong; otherwise the run is still to be done."""


def json_reply(status: int, body: Mapping[str, Any], outcome: str, **more: Any) -> Reply:
    return Reply(status, json.dumps(body).encode(), outcome, **more)


async def send_reply(reply: Reply, receive: Receive, send: Send) -> bool:
    """Send in the reply's manner; return whether the caller hung up meanwhile."""
    return await MANNERS[reply.manner](reply, receive, send)


async def disconnected(receive: Receive) -> None:
    """Wait until the caller hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _whole(reply: Reply, _receive: Receive, send: Send) -> bool:
    await _start(reply, send)
    await send({"type": "http.response.body", "body": reply.body})
    return False


async def _never(_reply: Reply, receive: Receive, _send: Send) -> bool:
    await disconnected(receive)
    return True


async def _half(reply: Reply, _receive: Receive, send: Send) -> bool:
    # A response that ends before its announced length makes the server close the connection.
    await _start(reply, send)
    half = reply.body[: len(reply.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    return False


async def _trickled(reply: Reply, receive: Receive, send: Send) -> bool:
    await _start(reply, send)
    gone = asyncio.create_task(disconnected(receive))
    for start in range(0, len(reply.body), TRICKLED_BYTES):
        piece = reply.body[start : start + TRICKLED_BYTES]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.wait({gone}, timeout=TRICKLE_PAUSE_S)
        if gone.done():
            return True
    gone.cancel()
    await send({"type": "http.response.body", "body": b""})
    return False


async def _start(reply: Reply, send: Send) -> None:
    headers = {"content-type": reply.media_type, "content-length": str(len(reply.body)), **reply.headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})


Manner = Callable[[Reply, Receive, Send], Awaitable[bool]]
MANNERS: Mapping[str, Manner] = {"whole": _whole, "hang": _never, "reset": _half, "trickle": _trickled}
