"""ASGI middleware around every request. Pure ASGI, so that event streams are not buffered."""

import time
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpick_shared.http.problems import problem_response
from modelpick_shared.telemetry import continue_trace
from modelpick_shared.telemetry.metrics import HTTP_SECONDS

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, as browsers write an Origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


class OriginCheck:
    """Refuse state-changing requests that a page of another site sent (403). Without Origin they pass."""

    def __init__(self, app: ASGIApp, site_url: str) -> None:
        self.app = app
        self._origin = origin_of(site_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS:
            origin = Headers(scope=scope).get("origin")
            if origin is not None and origin.lower() != self._origin:
                request = Request(scope)
                response = problem_response(request, 403, "This request comes from another site.")
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Telemetry:
    """Continue the caller's trace, put the request id into the logs, and time the answer's first byte."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        started = time.perf_counter()

        async def timed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unmatched")
                HTTP_SECONDS.labels(scope["method"], route, message["status"]).observe(
                    time.perf_counter() - started
                )
            await send(message)

        with (
            continue_trace(f"{scope['method']} {scope['path']}", headers),
            structlog.contextvars.bound_contextvars(request_id=headers.get("x-request-id", "")),
        ):
            await self.app(scope, receive, timed_send)
