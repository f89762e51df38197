from dataclasses import dataclass, field
from typing import Any

from modelpick_shared.contracts import Outcome
from modelpick_shared.scoring.concise import MOST_EXTRAS, concise
from modelpick_shared.scoring.differences import Difference, differences_of_comparable
from modelpick_shared.scoring.match import boolean_holders, comparable, match, relaxed_form
from modelpick_shared.scoring.parse import InvalidAnswerError, parse_answer


@dataclass(frozen=True)
class Score:
    """What an answer is worth. `value` is its JSON, None when it has none; `note` says why it has none.

    `diffs` are `concise`: empty exactly when strict match holds, and fit to be stored.
    """

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
        self._mixed = frozenset(boolean_holders(self._expected))
        self._has_booleans = bool(self._mixed) or isinstance(expected, bool)

    def score(self, text: str) -> Score:
        """Score a model's raw answer. Never raises for any text."""
        try:
            value = parse_answer(text)
        except InvalidAnswerError as error:
            return Score(Outcome.INVALID_JSON, strict=False, relaxed=False, note=str(error))
        has_booleans = "true" in text or "false" in text
        # Python's equality is strict enough but for this: it takes True for 1 and False for 0.
        if not (has_booleans or self._has_booleans) and self._expected == value:
            return Score(Outcome.PASSED, strict=True, relaxed=True, value=value)
        mixed = self._mixed | boolean_holders(value) if has_booleans else self._mixed
        diffs = differences_of_comparable(self._expected, value, mixed, MOST_EXTRAS)
        if not diffs:
            return Score(Outcome.PASSED, strict=True, relaxed=True, value=value)
        relaxed = match(self._expected, value, relaxed_form, mixed)
        return Score(Outcome.WRONG, strict=False, relaxed=relaxed, value=value, diffs=concise(diffs))


def score_answer(expected: Any, text: str) -> Score:
    """Score a model's raw answer against the expected JSON value. Never raises for any text."""
    return AnswerKey(expected).score(text)
