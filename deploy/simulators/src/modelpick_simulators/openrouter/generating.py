"""One call from its checked request to its reply: mishap, prescribed fault or answer."""

import time
from dataclasses import dataclass
from typing import Any

from modelpick_simulators.openrouter import faults
from modelpick_simulators.openrouter.completions import (
    Generation,
    bill_for,
    completion_body,
    routing_metadata,
    within_limit,
)
from modelpick_simulators.openrouter.desk import Desk
from modelpick_simulators.openrouter.draws import Draws
from modelpick_simulators.openrouter.errors import OpenRouterError, availability
from modelpick_simulators.openrouter.images import Image
from modelpick_simulators.openrouter.personas import Persona
from modelpick_simulators.openrouter.providers import chosen_provider, providers_of
from modelpick_simulators.openrouter.replies import Reply, json_reply
from modelpick_simulators.openrouter.requests import ChatRequest
from modelpick_simulators.openrouter.runs import Run
from modelpick_simulators.openrouter.scripts import Script
from modelpick_simulators.openrouter.writing import NOTHING_KNOWN, Answer, Task

RATE_LIMITED_FOR_S = "1"


@dataclass(frozen=True)
class Work:
    """Everything that decides the reply to one call."""

    request: ChatRequest
    image: Image
    run: Run
    script: Script
    persona: Persona
    wants_metadata: bool

    @property
    def draws(self) -> Draws:
        return Draws(self.request.model.id, self.image.sha256, self.run.number)

    @property
    def mode(self) -> str:
        return self.script.mode


def latency_ms(work: Work, shortest_to_longest: tuple[int, int]) -> int:
    if work.script.latency_ms is not None:
        return work.script.latency_ms
    shortest, longest = shortest_to_longest
    share = (work.persona.slowness + work.draws.number(f"latency|{work.run.attempt}")) / 2
    return shortest + round(share * (longest - shortest))


def prescribed_refusal(script: Script) -> Reply | None:
    status = faults.scripted_status(script.mode)
    if status is None:
        return None
    problem = OpenRouterError(
        status, "Prescribed by a script", availability=_reason(script), retry_after=script.retry_after
    )
    return refusal(problem, f"fault:{script.mode}")


def _reason(script: Script) -> dict[str, Any] | None:
    if script.unavailable is None:
        return None
    constraint = (script.constraint, "Prescribed by a script") if script.constraint else None
    return availability(script.unavailable, script.model or "any/model", constraint=constraint)


def refusal(problem: OpenRouterError, outcome: str | None = None) -> Reply:
    kind = problem.body["error"]["metadata"]["error_type"]
    return json_reply(problem.status, problem.body, outcome or kind, headers=problem.headers)


def mishap(work: Work, rate_limit_share: float) -> str | None:
    """Name what happens to a first attempt, if anything does; retries succeed and every job completes."""
    if work.mode != "normal" or work.run.attempt:
        return None
    return work.draws.happens("mishap", work.persona.mishaps(rate_limit_share))


def mishap_refusal(name: str | None) -> Reply | None:
    if name == "rate_limited":
        problem = OpenRouterError(429, "Rate limit exceeded", retry_after=RATE_LIMITED_FOR_S)
        return refusal(problem, name)
    return refusal(OpenRouterError(502, "Provider returned error"), name) if name == "bad_gateway" else None


async def generate(work: Work, desk: Desk, *, fault: str, latency_ms: int) -> tuple[Reply, Generation]:
    """Write answer and reply. Raises OpenRouterError, AnswersUnavailableError."""
    provider = chosen_provider(work.request.model, work.request.preferences, work.draws)
    answer = await _answer(work, desk)
    generation = Generation(
        id=desk.ids.new(work.draws),
        created_at=time.time(),
        model=work.request.model.id,
        user=work.request.user,
        latency_ms=latency_ms,
        answer=answer,
        bill=bill_for(work.request, work.image, answer, work.draws),
        provider=provider,
        provider_named=work.draws.number("names provider") >= work.persona.hides_provider,
    )
    return faults.spoilt(fault, _reply(work, generation, fault)), generation


async def _answer(work: Work, desk: Desk) -> Answer:
    if work.script.content is not None:
        return Answer(work.script.content, "scripted")
    known = await desk.answers.answer_for(work.image.sha256) if work.image.size_bytes else None
    right = known or NOTHING_KNOWN
    answer = faults.scripted_answer(work.mode, Task(work.persona, work.draws, right))
    return within_limit(answer, work.request.max_tokens) if work.mode == "normal" else answer


def _reply(work: Work, generation: Generation, fault: str) -> Reply:
    body = completion_body(generation)
    if work.wants_metadata:
        body["openrouter_metadata"] = routing_metadata(generation, providers_of(work.request.model))
    if fault in faults.BODIES:
        faults.BODIES[fault](body)
    return json_reply(
        200,
        body,
        _outcome(work, generation.answer, fault),
        headers={"X-Generation-Id": generation.id},
        cost_usd=faults.billed(fault, generation.bill.cost_usd),
        answers=faults.keeps_answer(fault),
    )


def _outcome(work: Work, answer: Answer, fault: str) -> str:
    if fault == "normal":
        return answer.outcome
    return fault if work.mode == "normal" else f"fault:{fault}"
