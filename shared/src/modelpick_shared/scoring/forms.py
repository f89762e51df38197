from collections.abc import Hashable
from typing import Any

from modelpick_shared.scoring.match import CONTAINERS, Form


class Forms:
    """Numbers JSON values so that two have the same number exactly when they match.

    Each container is looked at once, however often it is asked for; values must outlive this.
    """

    def __init__(self, scalar: Form) -> None:
        self._scalar = scalar
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, int] = {}

    def number(self, value: Any) -> int:
        if not isinstance(value, CONTAINERS):
            return self._numbers.setdefault(self._scalar(value), len(self._numbers))
        known = self._known.get(id(value))
        if known is None:
            form: Hashable
            if isinstance(value, dict):
                form = frozenset(zip(value, map(self.number, value.values()), strict=True))
            else:
                form = tuple(map(self.number, value))
            known = self._known[id(value)] = self._numbers.setdefault(form, len(self._numbers))
        return known
