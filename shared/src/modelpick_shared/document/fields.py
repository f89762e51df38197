"""Which fields of the expected JSON an answer got right."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from modelpick_shared.contracts import Outcome
from modelpick_shared.document.facts import RunFacts
from modelpick_shared.document.schemas import FieldEntry
from modelpick_shared.scoring.paths import is_inside, key_path


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
        for number, leaf in enumerate(_leaves(expected, ("",), "")):
            for path in leaf.chain:
                self._below[path].append(number)
            self._general.append(leaf.general)
            if isinstance(leaf.value, dict | list):
                self._empty[leaf.chain[-1]] = number
        self.by_path = Counter(self._general)

    def __len__(self) -> int:
        return len(self._general)

    def missed(self, run: RunFacts) -> Counter[str]:
        """Return how many leaves of each generalised path the measured run got wrong.

        A leaf is right unless there is a difference at it, above it or below it. Where an array is merely in
        another order every leaf is right: each was read, and the order is judged by the two matches.
        """
        if run.outcome == Outcome.PASSED:
            return Counter()
        if run.outcome != Outcome.WRONG:
            return self.by_path
        numbers: set[int] = set()
        for diff in run.diffs or []:
            numbers.update(self._hit_by(diff))
        return Counter([self._general[number] for number in numbers])

    def _hit_by(self, diff: dict[str, Any]) -> list[int]:
        """Return the leaves at or below the path of a difference, or the empty container that it fills."""
        if diff["kind"] == "extra":
            return [number for empty, number in self._empty.items() if is_inside(diff["path"], empty)]
        return [] if diff.get("rescued_by") == "array_order" else self._below.get(diff["path"], [])


def tally(runs: Sequence[RunFacts], leaves: Sequence[LeafFields]) -> Tally:
    """Add up the fields of measured runs (a micro-average: each field of each run weighs the same)."""
    total = sum(len(leaves[run.image_index]) for run in runs)
    missed = sum(leaves[run.image_index].missed(run).total() for run in runs)
    return Tally(total - missed, total)


def tally_by_path(runs: Sequence[RunFacts], leaves: Sequence[LeafFields]) -> dict[str, Tally]:
    """As `tally`, for each generalised path."""
    total: Counter[str] = Counter()
    for image_index, count in Counter(run.image_index for run in runs).items():
        total.update({path: count * fields for path, fields in leaves[image_index].by_path.items()})
    missed: Counter[str] = Counter()
    for run in runs:
        missed.update(leaves[run.image_index].missed(run))
    return {path: Tally(count - missed[path], count) for path, count in total.items()}


def least_often_right(fields: Sequence[FieldEntry], count: int) -> list[FieldEntry]:
    """Return so many fields, in their order: those that models get right least often, by the models' mean."""
    worst = sorted(range(len(fields)), key=lambda place: mean_accuracy(fields[place]))[:count]
    return [fields[place] for place in sorted(worst)]


def mean_accuracy(field: FieldEntry) -> float:
    """Return the mean of the models' accuracies, 1 without any."""
    known = [accuracy for accuracy in field.by_model.values() if accuracy is not None]
    return sum(known) / len(known) if known else 1.0


class _Leaf(NamedTuple):
    """A leaf with the paths that lead to it, spelled as differences spell them, and its generalised path."""

    chain: tuple[str, ...]
    general: str
    value: Any


def _leaves(value: Any, chain: tuple[str, ...], general: str) -> Iterator[_Leaf]:
    path = chain[-1]
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, (*chain, key_path(path, key)), key_path(general, key))
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, (*chain, f"{path}[{index}]"), f"{general}[]")
    else:
        yield _Leaf(chain, general, value)
