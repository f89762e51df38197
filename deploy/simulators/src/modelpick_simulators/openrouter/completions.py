"""The body of a chat completion, with its bill."""

import hashlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from modelpick_simulators.openrouter.draws import Draws
from modelpick_simulators.openrouter.images import Image
from modelpick_simulators.openrouter.requests import CHARACTERS_A_TOKEN, ChatRequest
from modelpick_simulators.openrouter.writing import Answer

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Bill:
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    prompt_cost_usd: Decimal
    completion_cost_usd: Decimal

    @property
    def cost_usd(self) -> Decimal:
        return self.prompt_cost_usd + self.completion_cost_usd


@dataclass(frozen=True)
class Generation:
    """One generated answer: what the completion and the later look-up tell of it."""

    id: str
    created_at: float
    model: str
    user: str
    latency_ms: int
    answer: Answer
    bill: Bill
    provider: str
    provider_named: bool


class GenerationIds:
    """Ids that never repeat within a process."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = itertools.count(1)

    def new(self, draws: Draws) -> str:
        seed = f"{draws}|{next(self._numbers)}".encode()
        return f"gen-{int(time.time())}-{hashlib.sha256(seed).hexdigest()[:20]}"


def within_limit(answer: Answer, max_tokens: int | None) -> Answer:
    """Cut an answer off where the request's token limit ends it."""
    if max_tokens is None or answer.content is None or _tokens(answer.content) <= max_tokens:
        return answer
    content = answer.content[: max_tokens * CHARACTERS_A_TOKEN]
    return replace(answer, content=content, outcome="truncated", finish_reason="length")


def bill_for(request: ChatRequest, image: Image, answer: Answer, draws: Draws) -> Bill:
    written = _tokens(answer.content or answer.refusal or "")
    thought = draws.between("reasoning tokens", 60, 300) if request.reasons else 0
    if request.max_tokens is not None:
        thought = min(thought, max(0, request.max_tokens - written))
    prompt_tokens = request.text_tokens + image.tokens
    return Bill(
        prompt_tokens=prompt_tokens,
        completion_tokens=written + thought,
        reasoning_tokens=thought,
        prompt_cost_usd=request.model.prompt_cost_usd(prompt_tokens),
        completion_cost_usd=request.model.completion_cost_usd(written + thought),
    )


def completion_body(generation: Generation) -> JsonObject:
    body = {
        "id": generation.id,
        "object": "chat.completion",
        "created": int(generation.created_at),
        "model": generation.model,
        "system_fingerprint": None,
        "service_tier": None,
        "choices": [_choice(generation.answer)],
        "usage": _usage(generation.bill),
    }
    return body | ({"provider": generation.provider} if generation.provider_named else {})


def routing_metadata(generation: Generation, providers: list[str]) -> JsonObject:
    model_id = generation.model
    available = [
        {"model": model_id, "provider": each, "selected": each == generation.provider} for each in providers
    ]
    return {
        "attempt": 1,
        "endpoints": {"available": available, "total": len(available)},
        "is_byok": False,
        "region": None,
        "requested": model_id,
        "strategy": "direct",
        "summary": f"available={len(available)}, selected={generation.provider}",
    }


def _choice(answer: Answer) -> JsonObject:
    return {
        "index": 0,
        "finish_reason": answer.finish_reason,
        "native_finish_reason": answer.finish_reason,
        "logprobs": None,
        "message": {
            "role": "assistant",
            "content": answer.content,
            "refusal": answer.refusal,
            "reasoning": answer.reasoning,
        },
    }


def _usage(bill: Bill) -> JsonObject:
    return {
        "prompt_tokens": bill.prompt_tokens,
        "completion_tokens": bill.completion_tokens,
        "total_tokens": bill.prompt_tokens + bill.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": bill.reasoning_tokens},
        "cost": float(bill.cost_usd),
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": None,
            "upstream_inference_prompt_cost": float(bill.prompt_cost_usd),
            "upstream_inference_completions_cost": float(bill.completion_cost_usd),
        },
    }


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_A_TOKEN)
