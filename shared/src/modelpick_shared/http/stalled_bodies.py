import asyncio
from http import HTTPStatus

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The gateway passes 4 kB on at a time: even a slow line has the next part sooner.
STALL_S = 30.0


class StalledBodies:
    """Answer 408 when the next part of a request's body does not come in time.

    Connections that send a byte now and then would otherwise hold a request each, for as long as they like.
    """

    def __init__(self, app: ASGIApp, stall_s: float = STALL_S) -> None:
        self.app = app
        self._stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = _Body(receive, self._stall_s).receive
        await self.app(scope, receive, send)


class _Body:
    """Waits for each part of the body; what comes after it, the end of the connection, may take its time."""

    def __init__(self, receive: Receive, stall_s: float) -> None:
        self._receive = receive
        self._stall_s = stall_s
        self._is_whole = False

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self._stall_s):
                message = await self._receive()
        except TimeoutError:
            detail = "The request's body did not come."
            headers = {"Connection": "close"}
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail, headers) from None
        self._is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message
