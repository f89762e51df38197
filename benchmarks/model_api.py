"""A model API that costs next to nothing: `python -m benchmarks.model_api PORT`.

It reads bodies without parsing them, finds the model and the report in their first bytes, and answers after
a latency. `GET /journal` tells what it saw, `PUT /mode` with a JSON object of `Mode` sets how it behaves.
"""

import asyncio
import json
import random
import re
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field

from benchmarks.shapes import ANSWER, COST_USD

_MODEL = re.compile(rb'"model":\s*"([^"]+)"')
_USER = re.compile(rb'"user":\s*"([^"]+)"')
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_HEAD_LIMIT = 4096
_CONTENT = json.dumps(ANSWER)


@dataclass
class Mode:
    """`median_s` and `sigma` of log-normal latencies (0: fixed); the first `refusals` of a model are 429s."""

    median_s: float = 0.3
    sigma: float = 0.0
    spread: float = 0.0
    refusals: int = 0


@dataclass
class Call:
    n: int
    model: str
    user: str
    received_at: float
    latency_s: float = 0.0


@dataclass
class Journal:
    mode: Mode = field(default_factory=Mode)
    calls: list[Call] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    max_in_flight: Counter[str] = field(default_factory=Counter)

    def reset(self, mode: Mode) -> None:
        self.__init__(mode)  # type: ignore[misc]

    def as_json(self) -> bytes:
        calls = [asdict(call) for call in self.calls]
        return json.dumps({"calls": calls, "max_in_flight": self.max_in_flight}).encode()


def latency_s(mode: Mode, model: str, n: int) -> float:
    """Return the latency of a model's n-th answer: the same for the same mode."""
    if not mode.sigma:
        return mode.median_s
    pace = random.Random(model).uniform(1 - mode.spread, 1 + mode.spread)  # noqa: S311 - no secret
    return pace * mode.median_s * random.Random(f"{model}/{n}").lognormvariate(0, mode.sigma)  # noqa: S311


class Connection(asyncio.Protocol):
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._buffer = bytearray()
        self._expected = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio says so
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._expected:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._buffer, 0, end)
            self._expected = end + 4 + (int(length[1]) if length else 0)
            self._head_end = end + 4
        if len(self._buffer) >= self._expected:
            head = bytes(self._buffer[: self._head_end])
            body_start = bytes(self._buffer[self._head_end : self._head_end + _HEAD_LIMIT])
            body = bytes(self._buffer[self._head_end :]) if head.startswith(b"PUT") else b""
            self._buffer.clear()
            self._expected = 0
            self._serve(head, body_start, body)

    def _serve(self, head: bytes, body_start: bytes, body: bytes) -> None:
        if head.startswith(b"POST"):
            self._call(body_start)
        elif head.startswith(b"PUT"):
            self._journal.reset(Mode(**json.loads(body)))
            self._answer(b"{}")
        else:
            self._answer(self._journal.as_json())

    def _call(self, body: bytes) -> None:
        journal = self._journal
        model, user = _MODEL.search(body), _USER.search(body)
        name = model[1].decode() if model else "?"
        if journal.refused[name] < journal.mode.refusals:
            journal.refused[name] += 1
            self._answer(b'{"error": {"code": 429, "message": "slow down"}}', status=b"429 Too Many Requests")
            return
        call = Call(len(journal.calls), name, user[1].decode() if user else "", time.time())
        journal.calls.append(call)
        journal.in_flight[name] += 1
        journal.max_in_flight[name] = max(journal.max_in_flight[name], journal.in_flight[name])
        delay_s = latency_s(journal.mode, name, journal.answered[name])
        journal.answered[name] += 1
        started_s = time.perf_counter()
        asyncio.get_running_loop().call_later(delay_s, self._finish, call, started_s)

    def _finish(self, call: Call, started_s: float) -> None:
        call.latency_s = time.perf_counter() - started_s
        self._journal.in_flight[call.model] -= 1
        message = {"role": "assistant", "content": _CONTENT}
        body = {
            "id": f"gen-{call.n}",
            "model": call.model,
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {
                "prompt_tokens": 1000,
                "completion_tokens": 300,
                "cost": 0 if call.model.endswith(":free") else float(COST_USD),
            },
        }
        self._answer(json.dumps(body).encode())

    def _answer(self, body: bytes, status: bytes = b"200 OK") -> None:
        length = str(len(body)).encode()
        self._transport.write(
            b"HTTP/1.1 "
            + status
            + b"\r\nContent-Type: application/json\r\nContent-Length: "
            + length
            + b"\r\n\r\n"
            + body
        )


async def main() -> None:
    journal = Journal()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(journal), "127.0.0.1", int(sys.argv[1]), backlog=500)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
