"""`POST /chat/completions`, as a bare ASGI endpoint: 72 calls of 270 KB at once leave no time for more."""

import asyncio
import time
from dataclasses import replace

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from modelpick_simulators.openrouter.access import check_key
from modelpick_simulators.openrouter.answers import AnswersUnavailableError
from modelpick_simulators.openrouter.completions import Generation
from modelpick_simulators.openrouter.desk import Desk
from modelpick_simulators.openrouter.errors import OpenRouterError, availability
from modelpick_simulators.openrouter.generating import (
    Work,
    generate,
    latency_ms,
    mishap,
    mishap_refusal,
    prescribed_refusal,
    refusal,
)
from modelpick_simulators.openrouter.images import read_image
from modelpick_simulators.openrouter.journal import Call
from modelpick_simulators.openrouter.replies import Reply, disconnected, send_reply
from modelpick_simulators.openrouter.requests import ChatRequest, read_request
from modelpick_simulators.openrouter.scripts import Script


class ChatCompletions:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(self._desk, Headers(scope=scope), receive, send)
        await exchange.run()


class _Exchange:
    """One call and its reply."""

    def __init__(self, desk: Desk, headers: Headers, receive: Receive, send: Send) -> None:
        self._desk = desk
        self._headers = headers
        self._receive = receive
        self._send = send
        self._arrived = time.monotonic()
        self._call: Call = desk.journal.received()

    async def run(self) -> None:
        try:
            await self._answer()
        except OpenRouterError as problem:
            await self._respond(refusal(problem))
        except AnswersUnavailableError:
            await self._respond(refusal(_answers_unavailable(self._call.model), "answers_unavailable"))
        finally:
            self._desk.journal.finished(self._call)

    async def _answer(self) -> None:
        raw = await _read_body(self._receive)
        check_key(self._headers.get("authorization"), self._desk.api_key)
        request = read_request(raw, self._desk.catalogue)
        self._desk.journal.started(
            self._call, model=request.model.id, user=request.user, max_price=request.max_price
        )
        script = self._desk.scripts.take(request.model.id)
        refused = prescribed_refusal(script)
        if refused is not None:
            await self._respond(refused, after_ms=script.latency_ms or 0)
            return
        await self._work(await self._planned(request, script))

    async def _planned(self, request: ChatRequest, script: Script) -> Work:
        image = await read_image(request.image_url, self._desk.client)
        run = self._desk.runs.take(request.model.id, image.sha256, request.user)
        self._call.image_sha256, self._call.run, self._call.attempt = image.sha256, run.number, run.attempt
        return Work(
            # The image is known by its digest now: its 270 KB need not wait with the call.
            request=replace(request, image_url=None),
            image=image,
            run=run,
            script=script,
            persona=self._desk.personas[request.model.id],
            wants_metadata=self._headers.get("x-openrouter-metadata") == "enabled",
        )

    async def _work(self, work: Work) -> None:
        answered = False
        try:
            answered = await self._attempt(work)
        finally:
            if not answered:
                self._desk.runs.give_back(work.run, failed=not self._call.cancelled)

    async def _attempt(self, work: Work) -> bool:
        """Reply to one attempt at a run; return whether the caller has its answer."""
        happened = mishap(work, self._desk.rate_limit_share)
        wait_ms = latency_ms(work, self._desk.latency_ms)
        reply, generation = mishap_refusal(happened), None
        if reply is None:
            reply, generation = await generate(
                work, self._desk, fault=happened or work.mode, latency_ms=wait_ms
            )
            self._call.generation_id = generation.id
        # Rate limits are refused at the door, without the time that an answer takes.
        await self._respond(reply, after_ms=0 if happened == "rate_limited" else wait_ms)
        self._keep(generation)
        return reply.answers and not self._call.cancelled

    async def _respond(self, reply: Reply, *, after_ms: int = 0) -> None:
        self._call.status, self._call.outcome, self._call.cost_usd = (
            reply.status,
            reply.outcome,
            reply.cost_usd,
        )
        if await self._hangs_up_within(after_ms / 1000):
            # What was asked for is generated and billed, whether or not anybody still listens.
            self._call.cancelled, self._call.outcome = True, "cancelled"
            return
        self._call.cancelled = await send_reply(reply, self._receive, self._send)

    async def _hangs_up_within(self, latency_s: float) -> bool:
        remaining_s = self._arrived + latency_s - time.monotonic()
        if remaining_s <= 0:
            return False
        try:
            async with asyncio.timeout(remaining_s):
                await disconnected(self._receive)
        except TimeoutError:
            return False
        return True

    def _keep(self, generation: Generation | None) -> None:
        if generation is not None:
            self._desk.generations[generation.id] = replace(generation, created_at=time.time())


async def _read_body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _answers_unavailable(model_id: str) -> OpenRouterError:
    reason = availability("temporarily_unavailable", model_id, retryable=True)
    return OpenRouterError(503, "Temporarily unavailable", availability=reason)
