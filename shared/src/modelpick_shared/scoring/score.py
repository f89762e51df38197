from dataclasses import dataclass, field
from typing import Any

from modelpick_shared.contracts import Outcome
from modelpick_shared.scoring.differences import Difference, differences
from modelpick_shared.scoring.match import comparable, has_booleans, relaxed_match, strict_match
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


class AnswerKey:
    """An expected JSON value, prepared once to be compared with many answers."""

    def __init__(self, expected: Any) -> None:
        self._expected = comparable(expected)
        self._has_booleans = has_booleans(expected)

    def score(self, text: str) -> Score:
        """Score a model's raw answer. Never raises for any text."""
        try:
            value = parse_answer(text)
        except InvalidAnswerError as error:
            return Score(Outcome.INVALID_JSON, strict=False, relaxed=False, note=str(error))
        if self._is_the_same(value, text) or strict_match(self._expected, value):
            return Score(Outcome.PASSED, strict=True, relaxed=True, value=value)
        return Score(
            Outcome.WRONG,
            strict=False,
            relaxed=relaxed_match(self._expected, value),
            value=value,
            diffs=differences(self._expected, value),
        )

    def _is_the_same(self, value: Any, text: str) -> bool:
        """Compare at once where Python's equality is strict enough: it takes only True for 1, False for 0."""
        if self._has_booleans or "true" in text or "false" in text:
            return False
        return bool(self._expected == value)


def score_answer(expected: Any, text: str) -> Score:
    """Score a model's raw answer against the expected JSON value. Never raises for any text."""
    return AnswerKey(expected).score(text)
