"""What can be made to go wrong: one table a stage of the reply. A new fault is a new row."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from modelpick_simulators.openrouter.errors import ERROR_TYPES, OpenRouterError
from modelpick_simulators.openrouter.replies import MANNERS, Reply
from modelpick_simulators.openrouter.writing import (
    DRESSINGS,
    NOTHING_KNOWN,
    Answer,
    Task,
    habitual_answer,
    right_answer,
    wrong_answer,
)

JsonObject = dict[str, Any]
_STATUS = re.compile(r"^status:([45]\d\d)$")
_HUGE_BYTES = 10 * 1024 * 1024
_OVERCHARGE = 100
HTML = b"<!doctype html><html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>"
HOSTILE = r"""{"total": "</script><script>alert(1)</script>", "vendor": "=1+1", "x": "\u0000\ud800"}"""


def _dressed(name: str) -> Callable[[Task], Answer]:
    return lambda task: DRESSINGS[name](right_answer(task))


# The answer itself. Everything not named here answers as the persona does.
ANSWERS: Mapping[str, Callable[[Task], Answer]] = {
    "normal": habitual_answer,
    "perfect": right_answer,
    "wrong": wrong_answer,
    **{name: _dressed(name) for name in DRESSINGS},
    "invalid_json": lambda task: Answer(task.right[:-1] + ",,", "invalid_json"),
    "array": lambda task: Answer(f"[{task.right}]", "array"),
    "scalar": lambda _task: Answer('"done"', "scalar"),
    "deep": lambda _task: Answer("[" * 100_000 + "]" * 100_000, "deep"),
    "hostile": lambda _task: Answer(HOSTILE, "hostile"),
    "control_characters": lambda _task: Answer("\x00\ud800" + NOTHING_KNOWN, "control_characters"),
}


def _with_cost(cost: Callable[[float], float | None]) -> Callable[[JsonObject], None]:
    def change(body: JsonObject) -> None:
        body["usage"]["cost"] = cost(body["usage"]["cost"])

    return change


def _ended_with(code: int, message: str) -> Callable[[JsonObject], None]:
    """Let the provider fail while it generates: the status is a 200 by then, and the prompt is billed."""

    def change(body: JsonObject) -> None:
        error = {"code": code, "message": message, "metadata": {"error_type": ERROR_TYPES[code]}}
        body["choices"][0] |= {"finish_reason": "error", "error": error}
        body["choices"][0]["message"]["content"] = ""

    return change


def _choice_error(body: JsonObject) -> None:
    _ended_with(502, "Provider disconnected")(body)
    body["usage"] |= {"completion_tokens": 0, "cost": 0.0}


def _top_level_error(body: JsonObject) -> None:
    error = OpenRouterError(502, "Provider returned error").body["error"]
    body.clear()
    body["error"] = error


def _multipart(body: JsonObject) -> None:
    message = body["choices"][0]["message"]
    message["content"] = [{"type": "text", "text": message["content"]}]


# The completion's body, before it is written out.
BODIES: Mapping[str, Callable[[JsonObject], None]] = {
    "nan_cost": _with_cost(lambda _cost: math.nan),
    "infinite_cost": _with_cost(lambda _cost: math.inf),
    "negative_cost": _with_cost(lambda cost: -cost - 1),
    "null_cost": _with_cost(lambda _cost: None),
    "cost_x100": _with_cost(lambda cost: cost * _OVERCHARGE),
    "no_cost": lambda body: body["usage"].pop("cost"),
    "no_usage": lambda body: body.pop("usage"),
    "no_choices": lambda body: body.update(choices=[]),
    "no_id": lambda body: body.pop("id"),
    "content_parts": _multipart,
    "error_in_200": _choice_error,
    "error_top_level": _top_level_error,
    "billed_error_in_200": _ended_with(502, "Provider disconnected"),
    "rate_limited_in_200": _ended_with(429, "Provider rate limit exceeded"),
    "rejected_in_200": _ended_with(400, "Invalid prompt"),
}
# Modes in which the caller still has its answer.
ANSWERING_BODIES = frozenset(
    [
        "nan_cost",
        "infinite_cost",
        "negative_cost",
        "null_cost",
        "no_cost",
        "cost_x100",
        "no_usage",
        "no_id",
        "content_parts",
    ]
)


def _as_html(reply: Reply) -> Reply:
    return replace(reply, body=HTML, media_type="text/html", cost_usd=Decimal(0))


def _oversized(reply: Reply) -> Reply:
    body = json.loads(reply.body)
    body["choices"][0]["message"]["content"] = '{"padding": "' + "x" * _HUGE_BYTES + '"}'
    return replace(reply, body=json.dumps(body).encode())


# The reply as bytes.
REPLIES: Mapping[str, Callable[[Reply], Reply]] = {
    "html": _as_html,
    "empty_body": lambda reply: replace(reply, body=b"", cost_usd=Decimal(0)),
    "truncated_json": lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2]),
    "not_utf8": lambda reply: replace(reply, body=b"\xff\xfe" + reply.body),
    "huge": _oversized,
}


def is_mode(mode: str) -> bool:
    return mode in all_modes() or _STATUS.match(mode) is not None


def all_modes() -> list[str]:
    return [*ANSWERS, *BODIES, *REPLIES, *(each for each in MANNERS if each != "whole")]


def scripted_status(mode: str) -> int | None:
    match = _STATUS.match(mode)
    return int(match[1]) if match else None


def scripted_answer(mode: str, task: Task) -> Answer:
    return ANSWERS.get(mode, habitual_answer)(task)


def billed(mode: str, cost_usd: Decimal) -> Decimal:
    if mode == "cost_x100":
        return cost_usd * _OVERCHARGE
    return Decimal(0) if mode in {"error_in_200", "error_top_level"} else cost_usd


def keeps_answer(mode: str) -> bool:
    """Whether a reply in this mode leaves the caller with an answer."""
    return mode in ANSWERS or mode in ANSWERING_BODIES or mode == "trickle"


def spoilt(mode: str, reply: Reply) -> Reply:
    """Apply a fault to the bytes or the manner of a reply."""
    if mode in REPLIES:
        return REPLIES[mode](reply)
    return replace(reply, manner=mode) if mode in MANNERS else reply
