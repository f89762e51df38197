from dataclasses import dataclass, field
from typing import Any

from modelpick_shared.contracts import Outcome
from modelpick_shared.scoring.differences import Difference, differences
from modelpick_shared.scoring.match import relaxed_match, strict_match
from modelpick_shared.scoring.parse import InvalidAnswerError, parse_answer


@dataclass(frozen=True)
class Score:
    """What an answer is worth. `value` is its JSON, None when it has none; `note` says why it has none."""

    outcome: Outcome
    strict: bool
    relaxed: bool
    value: Any = None
    diffs: list[Difference] = field(default_factory=list)
    note: str | None = None


def score_answer(expected: Any, text: str) -> Score:
    """Score a model's raw answer against the expected JSON value. Never raises for any text."""
    try:
        value = parse_answer(text)
    except InvalidAnswerError as error:
        return Score(Outcome.INVALID_JSON, strict=False, relaxed=False, note=str(error))
    if strict_match(expected, value):
        return Score(Outcome.PASSED, strict=True, relaxed=True, value=value)
    return Score(
        Outcome.WRONG,
        strict=False,
        relaxed=relaxed_match(expected, value),
        value=value,
        diffs=differences(expected, value),
    )
