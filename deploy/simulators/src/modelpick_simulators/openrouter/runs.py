"""Which run of a model on an image a call is: requests do not say, so it is counted from the calls seen."""

from collections import Counter, defaultdict
from dataclasses import dataclass

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class Run:
    key: _Key
    number: int
    attempt: int


class Runs:
    """Numbers the runs of each (model, image, user) from 0.

    A call takes the lowest free number. When it ends without an answer the number is free again, so that the
    retry is the same run, and the answers are the same set whatever the order of calls and failures.
    """

    def __init__(self) -> None:
        self._taken: defaultdict[_Key, set[int]] = defaultdict(set)
        self._failures: Counter[tuple[_Key, int]] = Counter()

    def take(self, model: str, image: str, user: str) -> Run:
        key = (model, image, user)
        taken = self._taken[key]
        number = next(each for each in range(len(taken) + 1) if each not in taken)
        taken.add(number)
        return Run(key, number, self._failures[key, number])

    def give_back(self, run: Run, *, failed: bool) -> None:
        """Free a run's number; `failed` says that its attempt counts."""
        self._taken[run.key].discard(run.number)
        if failed:
            self._failures[run.key, run.number] += 1
