"""How much work checking a stranger's schema may be. Counted in steps, so that every check ends the same."""

from collections.abc import Iterable
from contextvars import ContextVar

from pydantic import JsonValue

from modelpick_checkout.drafts.patterns import MAX_SIZE, Pattern, size_of

_VALUES_A_STEP = 20
_CHARACTERS_A_VALUE = 50


class TooMuchEffortError(Exception):
    """The check takes more steps than it may."""


class Effort:
    """The steps that are left for one check. A step is some microseconds of work.

    `steps_a_reference` is what following a `$ref` takes beside evaluating what it leads to.
    """

    def __init__(self, steps: int) -> None:
        self._left = steps
        self.steps_a_reference = 0
        self._patterns: dict[str, Pattern] = {}
        self._sizes: dict[int, int] = {}

    def spend(self, steps: int) -> None:
        """Take steps. Raises TooMuchEffortError when there are not as many."""
        self._left -= steps
        if self._left < 0:
            raise TooMuchEffortError

    def measure(self, document: JsonValue) -> int:
        """Learn how large each part of a document is; return how many values it holds."""
        found = [document]
        for value in found:
            found.extend(_children(value))
        for value in reversed(found):
            if isinstance(value, dict | list):
                self._sizes[id(value)] = 1 + sum(self._size(child) for child in _children(value))
        return len(found)

    def pattern(self, text: str) -> Pattern:
        """Read a pattern, once in this check. Raises UnusablePatternError and TooMuchEffortError."""
        if text not in self._patterns:
            self.spend(min(size_of(text), MAX_SIZE))
            self._patterns[text] = Pattern(text)
        return self._patterns[text]

    def cost_of(self, value: object) -> int:
        """Return how many steps one look at a whole value takes: comparing it, or writing it out."""
        return self._size(value) // _VALUES_A_STEP

    def _size(self, value: object) -> int:
        if isinstance(value, str):
            return 1 + len(value) // _CHARACTERS_A_VALUE
        # What was not measured is a part of no document, and small.
        return self._sizes.get(id(value), 1)


def _children(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()


current: ContextVar[Effort] = ContextVar("effort")
