"""ASGI middleware around every request. Pure ASGI, so that event streams are not buffered."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelpick_shared.http.problems import answer_bug, problem_response, route_of
from modelpick_shared.telemetry.metrics import HTTP_SECONDS
from modelpick_shared.telemetry.tracing import INVALID_SPAN, Span, SpanKind, continue_trace

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
# What watches a service asks for these every few seconds; nobody wants to read of it.
_UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})
# As nginx has it: the sender went away.
_GONE = 499
_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_USUAL_PORTS = {"http": ":80", "https": ":443"}

log = structlog.get_logger()


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, as browsers write an Origin: without the usual port."""
    parts = urlsplit(url.lower())
    return f"{parts.scheme}://{parts.netloc.removesuffix(_USUAL_PORTS.get(parts.scheme, ''))}"


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
    """Continue the caller's trace, put the request id into the logs, and time the answer's first byte.

    A failure that nobody foresaw is answered here, so that it is counted as all answers are, and logged once,
    with the request's ids.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with _context(scope, Headers(scope=scope)) as span:
            answer = _Answer(scope, send, span)
            try:
                await self.app(scope, receive, answer.send)
            except ClientDisconnect:
                log.info("request.abandoned", route=route_of(scope))
                await answer.abandon()
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                if answer.begun:
                    raise
                response = answer_bug(Request(scope), error)
                await response(scope, receive, answer.send)


class _Answer:
    """Passes an answer on, and measures it when it begins."""

    def __init__(self, scope: Scope, send: Send, span: Span) -> None:
        self._scope = scope
        self._send = send
        self._span = span
        self._started = time.perf_counter()
        self.begun = False

    async def abandon(self) -> None:
        """Count a request whose sender went away before it was whole; nobody is there to be answered."""
        if not self.begun:
            self.begun = True
            self._measure(_GONE)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self._measure(message["status"])
        await self._send(message)

    def _measure(self, status: int) -> None:
        method, route = _method_of(self._scope), route_of(self._scope)
        HTTP_SECONDS.labels(method, route, status).observe(time.perf_counter() - self._started)
        if self._span.is_recording():
            self._span.update_name(f"{method} {route}")
            self._span.set_attribute("http.route", route)
            self._span.set_attribute("http.response.status_code", status)


@contextmanager
def _context(scope: Scope, headers: Headers) -> Iterator[Span]:
    request_id = _request_id(headers)
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        if scope["path"] in _UNTRACED:
            yield INVALID_SPAN
            return
        method = _method_of(scope)
        attributes = {"http.request.method": method, "modelpick.request_id": request_id}
        with continue_trace(method, headers, kind=SpanKind.SERVER, attributes=attributes) as span:
            yield span


def _method_of(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _request_id(headers: Headers) -> str:
    """Return the gateway's id of the request; one of our own where there is none that a log can hold."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex
