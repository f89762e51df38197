"""Ask a part whether it works, in its own protocol: a health address is a URL (http, postgres, amqp, tcp)."""

import contextlib
import http.client
import socket
import time
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from psycopg import pq

from modelpick_local.ports import LOOPBACK

_POLL_S = 0.1
_AMQP_GREETING = b"AMQP\x00\x00\x09\x01"
_AMQP_METHOD_FRAME = 1


def is_healthy(address: str, timeout_s: float = 2.0) -> bool:
    parts = urlsplit(address)
    try:
        return _CHECKS[parts.scheme](parts, timeout_s)
    except (OSError, http.client.HTTPException):
        return False


def wait_healthy(address: str, timeout_s: float, is_over: Callable[[], bool] = lambda: False) -> bool:
    """Poll until the part is healthy; give up at the deadline, or when `is_over` says it cannot become so."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and not is_over():
        if is_healthy(address):
            return True
        time.sleep(_POLL_S)
    return False


def _http_answers(parts: SplitResult, timeout_s: float) -> bool:
    connection = http.client.HTTPConnection(parts.hostname or LOOPBACK, parts.port, timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < http.client.BAD_REQUEST


def _postgres_answers(parts: SplitResult, timeout_s: float) -> bool:
    wait_s = max(2, round(timeout_s))  # libpq takes less as two
    conninfo = f"host={parts.hostname} port={parts.port} connect_timeout={wait_s}"
    return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK


def _amqp_answers(parts: SplitResult, timeout_s: float) -> bool:
    with socket.create_connection((parts.hostname or LOOPBACK, parts.port or 5672), timeout_s) as connection:
        connection.sendall(_AMQP_GREETING)
        first = connection.recv(1)
    return first == bytes([_AMQP_METHOD_FRAME])


def _tcp_answers(parts: SplitResult, timeout_s: float) -> bool:
    with socket.create_connection((parts.hostname or LOOPBACK, parts.port or 0), timeout_s):
        return True


_CHECKS: dict[str, Callable[[SplitResult, float], bool]] = {
    "http": _http_answers,
    "postgres": _postgres_answers,
    "amqp": _amqp_answers,
    "tcp": _tcp_answers,
}
