"""Say what the service's statistics make of hard reports: `python web/standing_cases.py` writes the cases.

The browser ranks by the relaxed match itself, as documents have no such ranks. Here the same statistics that
rank by the strict match are given every answer as the relaxed one judges it; the tests of the browser
application compare. With `--check` nothing is written; the exit code is 1 when the file is out of date.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from modelpick_reports.exports.answer import answer_of, cheapest, ranking
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot, ModelSpec
from modelpick_shared.document import ReportDocument, ReportFacts, RunFacts, build_document, flipping_fields

FILE = Path(__file__).parent / "src" / "pages" / "report" / "standing.cases.json"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
EXPECTED = {"shop": "Tea House", "total": 8, "lines": [{"name": "Tea"}, {"name": "Cake"}]}
SHOUTS = {"path": "shop", "kind": "wrong", "actual": "TEA HOUSE", "rescued_by": "relaxed"}
MISREADS = {"path": "total", "kind": "wrong", "actual": 9, "rescued_by": None}
LACKS_A_ROW = {"path": "lines[1]", "kind": "missing", "rescued_by": None}

# A letter a run: right, right when relaxed, wrong, wrong in more than relaxed forgives, empty, unmeasured.
ANSWERS: dict[str, dict[str, Any]] = {
    "p": {"outcome": "passed", "passed": True, "passed_relaxed": True, "diffs": []},
    "r": {"outcome": "wrong", "passed": False, "passed_relaxed": True, "diffs": [SHOUTS]},
    "w": {"outcome": "wrong", "passed": False, "passed_relaxed": False, "diffs": [MISREADS]},
    "b": {"outcome": "wrong", "passed": False, "passed_relaxed": False, "diffs": [SHOUTS, LACKS_A_ROW]},
    "e": {"outcome": "empty", "passed": False, "passed_relaxed": False, "diffs": []},
    "u": {"outcome": "unmeasured", "passed": None, "passed_relaxed": None, "diffs": []},
}
GAPS = 0.1
# Among 400 those whose ranks change with any part of the tests, models with gaps among them.
SEEDS = (44, 111, 223, 271, 280, 306, 343, 392)


@dataclass(frozen=True)
class Reader:
    """A model of a case: a word of letters an image, and what a run costs; None where no bill came."""

    images: Sequence[str]
    cost_usd: str | None = "0.002"


@dataclass(frozen=True)
class Case:
    """A report in which ranks are not plain."""

    name: str
    readers: Sequence[Reader]


def cases() -> Iterator[Case]:
    """Return the hard ones by name, and some as chance deals them."""
    yield Case("one is best, and relaxed three are alike", [always("ppp"), always("rrr"), always("rpr")])
    yield Case("relaxed turns the order around", [mixed("ppp", 6, "www", 4), mixed("rrr", 9, "ppp", 1)])
    yield Case(
        "equal rates at other prices",
        [always("ppr", "0.03"), always("ppr", "0"), always("ppr", None), always("ppr", "0.001")],
    )
    yield Case("three groups", [always("ppp"), always("ppp"), *[always("rww")] * 2, always("www")])
    yield Case(
        "better, but fewer than half measured",
        [Reader(["ppp"] * 4 + ["uuu"] * 6), mixed("ppp", 5, "wbw", 5), always("rrr")],
    )
    yield Case(
        "exactly half measured, and none at all",
        [mixed("ppp", 5, "uuu", 5), always("uuu"), always("ppw"), always("ewe")],
    )
    yield Case("gaps at other images", [Reader(gaps(shift)) for shift in range(4)])
    yield Case("five images separate nobody", [Reader(["ppp"] * 5), Reader(["rrr"] * 5), Reader(["www"] * 5)])
    yield Case("one run an image", [Reader(["p"] * 9), Reader(["r"] * 9), Reader(["p", "w"] * 4 + ["b"])])
    yield Case("nothing is right", [always("www"), always("bbb"), always("eee")])
    yield Case("nothing is measured", [always("uuu"), always("uuu")])
    yield Case("one model alone", [always("prw")])
    yield from (dealt(seed) for seed in SEEDS)
    yield dealt(99, models=24, images=10, runs=3)


def always(word: str, cost_usd: str | None = "0.002") -> Reader:
    return Reader([word] * 10, cost_usd)


def mixed(word: str, images: int, other: str, others: int) -> Reader:
    return Reader([word] * images + [other] * others)


def gaps(shift: int) -> list[str]:
    words = ["ppp", "ppw", "uuu", "rrp", "pup", "www", "ppp", "uru"]
    return words[shift:] + words[:shift]


def dealt(seed: int, models: int = 0, images: int = 0, runs: int = 0) -> Case:
    dice = random.Random(seed)  # noqa: S311 - the same cases every time
    models = models or dice.randint(2, 9)
    images = images or dice.randint(2, 10)
    runs = runs or dice.randint(1, 3)
    return Case(
        f"dealt {seed}", [dealt_reader(dice, images, runs, place / models) for place in range(models)]
    )


def dealt_reader(dice: random.Random, images: int, runs: int, weakness: float) -> Reader:
    weights = [1.2 - weakness, 0.5 * weakness, weakness, 0.3 * weakness, 0.1 * weakness, 0.15]
    words = [
        "u" * runs if dice.random() < GAPS else "".join(dice.choices("prwbeu", weights, k=runs))
        for _ in range(images)
    ]
    return Reader(words, dice.choice(["0", "0.001", "0.001", "0.0042", "0.03", None]))


def document_of(case: Case, *, relaxed: bool = False) -> ReportDocument:
    """Build a case's document as the service does; `relaxed` changes the two matches' places."""
    first = case.readers[0].images
    config = ConfigSnapshot(
        models=[model(number) for number in range(len(case.readers))],
        images=[image(number) for number in range(len(first))],
        extraction_prompt="Read the receipt.",
        runs_per_image=len(first[0]),
    )
    runs = [run for number, reader in enumerate(case.readers) for run in runs_of(number, reader)]
    facts = ReportFacts(UUID(int=1), "complete", 1, len(runs), Decimal(1), NOW, NOW, NOW)
    judged = [judged_relaxed(run) for run in runs] if relaxed else runs
    return build_document(facts, config, judged, image_url=str)


def runs_of(number: int, reader: Reader) -> Iterator[RunFacts]:
    cost_usd = None if reader.cost_usd is None else Decimal(reader.cost_usd)
    for image_index, word in enumerate(reader.images):
        for run_index, letter in enumerate(word):
            yield RunFacts(model(number).id, image_index, run_index, cost_usd=cost_usd, **ANSWERS[letter])


def judged_relaxed(run: RunFacts) -> RunFacts:
    """Return the run with what relaxed says in the place of strict: the service ranks by strict alone."""
    left = [diff for diff in run.diffs or [] if diff["rescued_by"] != "relaxed"]
    outcome = "passed" if run.passed_relaxed else run.outcome
    return replace(run, outcome=outcome, passed=run.passed_relaxed, passed_relaxed=run.passed, diffs=left)


def model(number: int) -> ModelSpec:
    free = Decimal(0)
    return ModelSpec(
        id=f"maker/reader-{number}",
        name=f"Reader {number}",
        provider="Maker",
        tier="mid",
        input_usd_per_1m=free,
        output_usd_per_1m=free,
        max_input_usd_per_1m=free,
        max_output_usd_per_1m=free,
        context_length=1000,
    )


def image(number: int) -> ImageSnapshot:
    return ImageSnapshot(
        key=f"images/{number}",
        sha256="0" * 64,
        media_type="image/png",
        width=8,
        height=8,
        bytes=1,
        expected=EXPECTED,
    )


def told(case: Case) -> dict[str, Any]:
    """Return a case with its models as the document has them, and what the service says of both matches."""
    strict, relaxed = document_of(case), document_of(case, relaxed=True)
    kept = {"id", "name", "rank", "tied_with", "strict", "relaxed", "field_accuracy", "consistency", "pareto"}
    return {
        "name": case.name,
        "words": {model(number).id: reader.images for number, reader in enumerate(case.readers)},
        "models": [
            {
                **entry.model_dump(mode="json", include=kept),
                "cost_usd": entry.cost_usd.model_dump(mode="json", include={"per_1000_images"}),
                "outcomes": entry.outcomes.model_dump(mode="json", include={"unmeasured"}),
            }
            for entry in strict.models
        ],
        "fields": [field.model_dump(mode="json") for field in strict.fields],
        "answers": {"strict": answer(strict), "relaxed": answer(relaxed)},
        "order": [entry.id for entry in ranking(strict)],
        "relaxed": standings(relaxed),
    }


def answer(document: ReportDocument) -> dict[str, str | None]:
    best = cheapest(document)[0]
    headline, detail, _ = answer_of(document)
    return {"headline": headline, "detail": detail, "cheapest": best.id if best else None}


def standings(document: ReportDocument) -> list[dict[str, Any]]:
    """Return each model's standing, best first, as a reader of the report sees it."""
    flips = flipping_fields(document)
    return [
        {
            "id": entry.id,
            "rank": entry.rank,
            "tied": bool(entry.tied_with),
            "pareto": entry.pareto,
            "field_accuracy": entry.field_accuracy,
            "consistency": entry.consistency,
            "fields": [field.by_model[entry.id] for field in document.fields],
            "flips": {path: share for path, share in flips[entry.id].items() if share},
        }
        for entry in ranking(document)
    ]


def described() -> str:
    """Return the file's text: a line a case."""
    lines = ",\n".join(json.dumps(told(case)) for case in cases())
    head = json.dumps({"expected": EXPECTED, "letters": ANSWERS})
    return f'{{"constants": {head},\n"cases": [\n{lines}\n]}}\n'


def main(arguments: list[str]) -> int:
    if "--check" not in arguments:
        FILE.write_text(described())
        return 0
    if FILE.read_text() == described():
        return 0
    sys.stderr.write(f"{FILE.name} is out of date: run `python web/standing_cases.py`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
