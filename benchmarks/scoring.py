"""How long it takes to score one answer of 2 KB: one processor, no stores."""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.figures import Figure
from benchmarks.shapes import an_answer
from benchmarks.stand import Stores
from modelpick_shared.scoring import AnswerKey

REPEATS = 5
CALLS = 400
TARGET_US = 150
# What canonicalising and comparing 2 KB took on the machine that the target is for.
REFERENCE_US = 68


def scoring(_stores: Stores) -> list[Figure]:
    """Measure answers with a few differences, and beside them what comparing 2 KB takes in any case.

    The target is for the reference machine; how much slower this one is, canonicalising tells.
    """
    expected = an_answer()
    key, right = AnswerKey(expected), json.dumps(expected)
    baseline_us = medians_us(lambda: canonical(expected) == canonical(json.loads(right)))
    baseline = statistics.median(baseline_us)
    figures = [
        Figure("canonicalise and compare 2 KB", baseline_us, "us"),
        Figure("scoring, a right answer", medians_us(lambda: key.score(right)), "us"),
    ]
    for name, text, differences in (
        ("four wrong fields", with_wrong_fields(), 4),
        ("four wrong fields and a missing row", with_wrong_fields(missing=3), 5),
    ):
        check(key, text, differences)
        taken_us = medians_us(lambda text=text: key.score(text))  # type: ignore[misc]
        reference_us = [taken * REFERENCE_US / baseline for taken in taken_us]
        notes = {"x canonicalise and compare": round(statistics.median(taken_us) / baseline, 2)}
        figures += [
            Figure(f"scoring, {name}", taken_us, "us", notes=notes),
            Figure(f"scoring, {name}, on the reference machine", reference_us, "us", at_most=TARGET_US),
        ]
    return figures


def with_wrong_fields(missing: int | None = None) -> str:
    """Return the answer with four wrong fields, two of them in rows, and a row left out."""
    answer = an_answer() | {"merchant": "Supermarket", "date": "4.3.2026"}
    lines = answer["lines"]
    lines[5]["price"], lines[9]["name"] = 0.01, lines[9]["name"].upper()
    if missing is not None:
        del lines[missing]
    return json.dumps(answer)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def check(key: AnswerKey, text: str, differences: int) -> None:
    """Raise unless the work that is timed is the work that is meant."""
    found = key.score(text).diffs
    if len(found) != differences:
        raise RuntimeError(f"{len(found)} differences, not {differences}: {found}")


def medians_us(call: Callable[[], object]) -> list[float]:
    """Return the median time of a call, of each of several rounds."""
    return [statistics.median(_time_us(call) for _ in range(CALLS)) for _ in range(REPEATS)]


def _time_us(call: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    call()
    return 1e6 * (time.perf_counter() - started_s)
