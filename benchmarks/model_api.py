"""A model API that costs next to nothing: `python -m benchmarks.model_api PORT`.

It reads bodies without parsing or keeping them, finds the model and the customer in their first bytes, and
answers after a latency. `GET /journal` tells what it saw, `PUT /mode` with a JSON object of `Mode` sets how
it behaves.
"""

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import cast

import uvloop

from benchmarks.shapes import ANSWER, cost_usd

_MODEL = re.compile(rb'"model":\s*"([^"]+)"')
_USER = re.compile(rb'"user":\s*"([^"]+)"')
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_KEPT_BYTES = 4096
_END_OF_HEAD = b"\r\n\r\n"
_CONTENT = json.dumps(ANSWER)


@dataclass
class Mode:
    """`median_s` and `sigma` of log-normal latencies (0: fixed); the first `refusals` of a model are 429s.

    With `spread`, models differ in their medians, by at most that part.
    """

    median_s: float = 0.3
    sigma: float = 0.0
    spread: float = 0.0
    refusals: int = 0


@dataclass
class Call:
    """A call that was answered, by wall-clock; its latency is counted from the last byte of its body."""

    n: int
    model: str
    user: str
    received_at: float
    upload_s: float
    cost_usd: str
    latency_s: float = 0.0


@dataclass
class Journal:
    mode: Mode = field(default_factory=Mode)
    calls: list[Call] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    max_in_flight: Counter[str] = field(default_factory=Counter)

    def begin(self, model: str, user: str, upload_s: float) -> Call:
        call = Call(len(self.calls), model, user, time.time(), upload_s, str(cost_usd(model)))
        self.calls.append(call)
        self.answered[model] += 1
        self.in_flight[model] += 1
        self.max_in_flight[model] = max(self.max_in_flight[model], self.in_flight[model])
        return call

    def as_json(self) -> bytes:
        calls = [asdict(call) for call in self.calls]
        return json.dumps(
            {"calls": calls, "refused": self.refused, "max_in_flight": self.max_in_flight}
        ).encode()


def latency_s(mode: Mode, model: str, n: int) -> float:
    """Return the latency of a model's n-th answer: the same for the same mode."""
    if not mode.sigma:
        return mode.median_s
    pace = random.Random(model).uniform(1 - mode.spread, 1 + mode.spread)  # noqa: S311 - no secret
    return pace * mode.median_s * random.Random(f"{model}/{n}").lognormvariate(0, mode.sigma)  # noqa: S311


class Api:
    """What becomes of a request. A new mode begins a new journal; calls in flight end in their own."""

    def __init__(self) -> None:
        self.journal = Journal()

    def call(self, connection: "Connection", body: bytes, upload_s: float) -> None:
        journal = self.journal
        model, user = _MODEL.search(body), _USER.search(body)
        name = model[1].decode() if model else "?"
        if journal.refused[name] < journal.mode.refusals:
            journal.refused[name] += 1
            connection.answer(_REFUSAL, status=b"429 Too Many Requests")
            return
        delay_s = latency_s(journal.mode, name, journal.answered[name])
        call = journal.begin(name, user[1].decode() if user else "", upload_s)
        loop = asyncio.get_running_loop()
        loop.call_later(delay_s, _finish, connection, journal, call, time.perf_counter())


class Connection(asyncio.Protocol):
    """An HTTP/1.1 connection that keeps the first bytes of a body and counts the others."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._kept = bytearray()
        self._missing: int | None = None
        self._started_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._missing is None:
            self._started_s = self._started_s or time.perf_counter()
            self._kept += data
            self._read_head()
        else:
            self._missing -= len(data)
            self._kept += data[: max(_KEPT_BYTES - len(self._kept), 0)]
        if self._missing is not None and self._missing <= 0:
            self._end()

    def answer(self, body: bytes, status: bytes = b"200 OK") -> None:
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % (status, len(body)) + body)

    def _read_head(self) -> None:
        end = self._kept.find(_END_OF_HEAD)
        if end >= 0:
            length = _LENGTH.search(self._kept, 0, end)
            total = end + len(_END_OF_HEAD) + (int(length[1]) if length else 0)
            self._missing = total - len(self._kept)
            del self._kept[_KEPT_BYTES:]

    def _end(self) -> None:
        head, _, body = bytes(self._kept).partition(_END_OF_HEAD)
        upload_s = time.perf_counter() - self._started_s
        self._kept.clear()
        self._missing, self._started_s = None, 0.0
        self._serve(head, body, upload_s)

    def _serve(self, head: bytes, body: bytes, upload_s: float) -> None:
        if head.startswith(b"POST"):
            self._api.call(self, body, upload_s)
        elif head.startswith(b"PUT"):
            self._api.journal = Journal(Mode(**json.loads(body)))
            self.answer(b"{}")
        else:
            self.answer(self._api.journal.as_json())


_REFUSAL = b'{"error": {"code": 429, "message": "slow down"}}'


def _finish(connection: Connection, journal: Journal, call: Call, started_s: float) -> None:
    call.latency_s = time.perf_counter() - started_s
    journal.in_flight[call.model] -= 1
    message = {"role": "assistant", "content": _CONTENT}
    body = {
        "id": f"gen-{call.n}",
        "model": call.model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 300, "cost": float(call.cost_usd)},
    }
    connection.answer(json.dumps(body).encode())


async def main() -> None:
    api = Api()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", int(sys.argv[1]), backlog=500)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
