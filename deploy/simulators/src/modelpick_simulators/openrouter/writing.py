"""What a model writes: the right answer or a wrong one, and what its bad habits make of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modelpick_simulators.openrouter.draws import EVERY_RUN, Draws
from modelpick_simulators.openrouter.mistakes import with_mistakes
from modelpick_simulators.openrouter.personas import Persona

NOTHING_KNOWN = "{}"
REFUSAL = "I'm sorry, but I can't help with extracting information from this document."
THOUGHTS = "The document is partly legible. I compare the fields with the schema before I answer."


@dataclass(frozen=True)
class Answer:
    content: str | None
    outcome: str
    finish_reason: str = "stop"
    refusal: str | None = None
    reasoning: str | None = None


@dataclass(frozen=True)
class Task:
    """One run of a model on an image, with the right answer as JSON text."""

    persona: Persona
    draws: Draws
    right: str

    @property
    def of_every_run(self) -> Draws:
        return replace(self.draws, run=EVERY_RUN)


def habitual_answer(task: Task) -> Answer:
    """Answer as the persona does: the same for the same model, image and run."""
    answer = _read(task)
    dressing = task.draws.happens("dressing", task.persona.dressings)
    return DRESSINGS[dressing](answer) if dressing else answer


def right_answer(task: Task) -> Answer:
    return Answer(task.right, "perfect")


def wrong_answer(task: Task) -> Answer:
    # An image that a model misreads is misread in every run alike, as real models do.
    draws = task.of_every_run
    count = draws.between("mistakes", 1, task.persona.most_mistakes)
    return Answer(_text(with_mistakes(json.loads(task.right), draws, count), task.persona), "wrong")


def _read(task: Task) -> Answer:
    if task.right == NOTHING_KNOWN:
        return Answer(NOTHING_KNOWN, "nothing_known")
    if task.of_every_run.number("reads") >= task.persona.accuracy:
        return wrong_answer(task)
    if task.draws.number("flips") < task.persona.flips:
        return Answer(_text(with_mistakes(json.loads(task.right), task.draws, 1), task.persona), "flipped")
    return right_answer(task)


def _text(value: Any, persona: Persona) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2 if persona.indented else None)


def _fenced(answer: Answer) -> Answer:
    return replace(answer, content=f"```json\n{answer.content}\n```", outcome="fenced")


def _prose(answer: Answer) -> Answer:
    content = f"Here is the extracted data:\n\n{answer.content}\n\nLet me know if you need anything else."
    return replace(answer, content=content, outcome="prose")


def _truncated(answer: Answer) -> Answer:
    content = (answer.content or "")[: len(answer.content or "") * 3 // 5]
    return replace(answer, content=content, outcome="truncated", finish_reason="length")


def _refused(answer: Answer) -> Answer:
    # Both ways that providers refuse: in the message's own field, or in words.
    if len(answer.content or "") % 2:
        return Answer(None, "refused", finish_reason="content_filter", refusal=REFUSAL)
    return Answer(REFUSAL, "refused", finish_reason="content_filter")


def _empty(_answer: Answer) -> Answer:
    return Answer("", "empty")


def _null_content(_answer: Answer) -> Answer:
    return Answer(None, "null_content", reasoning=THOUGHTS)


DRESSINGS: Mapping[str, Callable[[Answer], Answer]] = {
    "fenced": _fenced,
    "prose": _prose,
    "truncated": _truncated,
    "refused": _refused,
    "empty": _empty,
    "null_content": _null_content,
}
