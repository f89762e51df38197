"""Which fields of the expected JSON an answer got right."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from modelpick_shared.contracts import Outcome
from modelpick_shared.document.facts import RunFacts

_INDEX = re.compile(r"\[\d+\]")


class Tally(NamedTuple):
    """Fields without a difference, out of all."""

    right: int
    total: int

    @property
    def accuracy(self) -> float | None:
        return self.right / self.total if self.total else None


class LeafFields:
    """The leaf fields of one expected JSON value: its scalars, and its empty objects and arrays.

    `by_path` lists the paths with list indexes generalised (`line_items[].price`): of rows in a table the
    reader wants to know how well the column is read, and rows differ from image to image.
    """

    def __init__(self, expected: Any) -> None:
        self._below: defaultdict[str, list[int]] = defaultdict(list)
        self._general: list[str] = []
        self._empty: dict[str, int] = {}
        for number, (chain, value) in enumerate(_leaves(expected, ("",))):
            for path in chain:
                self._below[path].append(number)
            self._general.append(_INDEX.sub("[]", chain[-1]))
            if isinstance(value, dict | list):
                self._empty[chain[-1]] = number
        self.by_path = Counter(self._general)

    def __len__(self) -> int:
        return len(self._general)

    def missed(self, run: RunFacts) -> Counter[str]:
        """Return how many leaves of each generalised path the measured run got wrong."""
        if run.outcome == Outcome.PASSED:
            return Counter()
        if run.outcome != Outcome.WRONG:
            return self.by_path
        numbers: set[int] = set()
        for diff in run.diffs or []:
            numbers.update(self._hit_by(diff))
        return Counter(self._general[number] for number in numbers)

    def _hit_by(self, diff: dict[str, Any]) -> list[int]:
        """Return the leaves at or below the path of a difference, or the empty container that it fills."""
        path = str(diff["path"])
        if diff["kind"] != "extra":
            return self._below.get(path, [])
        return [number for empty, number in self._empty.items() if _is_inside(path, empty)]


def tally(runs: Sequence[RunFacts], leaves: Sequence[LeafFields]) -> Tally:
    """Add up the fields of measured runs (a micro-average: each field of each run weighs the same)."""
    total = sum(len(leaves[run.image_index]) for run in runs)
    missed = sum(leaves[run.image_index].missed(run).total() for run in runs)
    return Tally(total - missed, total)


def tally_by_path(runs: Sequence[RunFacts], leaves: Sequence[LeafFields]) -> dict[str, Tally]:
    """As `tally`, for each generalised path."""
    total: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for run in runs:
        total.update(leaves[run.image_index].by_path)
        missed.update(leaves[run.image_index].missed(run))
    return {path: Tally(count - missed[path], count) for path, count in total.items()}


def _leaves(value: Any, chain: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each leaf with the paths that lead to it, spelled as the differences spell them."""
    path = chain[-1]
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, (*chain, f"{path}.{key}" if path else key))
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, (*chain, f"{path}[{index}]"))
    else:
        yield chain, value


def _is_inside(path: str, container: str) -> bool:
    return not container or path.startswith((f"{container}.", f"{container}["))
