"""What is made of a finished report: how long the document, the PDF and the preview take."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from benchmarks.figures import Figure
from benchmarks.shapes import config
from benchmarks.stand import Stores
from modelpick_reports.exports import pdf_of, preview_of
from modelpick_shared.document import ReportDocument, ReportFacts, RunFacts, build_document
from modelpick_shared.ids import new_id
from modelpick_shared.scoring import Difference, clean_value, differences

REPEATS = 5
NOW = datetime(2026, 1, 2, tzinfo=UTC)
MS = 1000


def document(_: Stores) -> list[Figure]:
    """Measure one process: the document with its JSON, and what is rendered from it, when warm."""
    report, runs = facts(), every_run()
    built = build_document(report, config(), runs, image_url=str)
    size_mb = round(len(json_of(built).encode()) / 1e6, 2)
    pdf_mb = round(len(pdf_of(built)) / 1e6, 2)
    preview_of(built)
    return [
        Figure(
            "document of a full report",
            timed_ms(lambda: json_of(build_document(report, config(), runs, image_url=str))),
            "ms",
            at_most=300,
            notes={"MB": size_mb},
        ),
        Figure(
            "PDF of a full report", timed_ms(lambda: pdf_of(built)), "ms", at_most=1000, notes={"MB": pdf_mb}
        ),
        Figure("preview of a full report", timed_ms(lambda: preview_of(built)), "ms"),
    ]


def json_of(built: ReportDocument) -> str:
    return built.model_dump_json()


def timed_ms(work: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(REPEATS):
        started_s = time.perf_counter()
        work()
        times.append(MS * (time.perf_counter() - started_s))
    return times


def facts() -> ReportFacts:
    return ReportFacts(new_id(), "complete", 1, config().total_jobs, Decimal(5), NOW, NOW, NOW)


def every_run() -> list[RunFacts]:
    """Return runs of better and worse models, a few fields wrong in each wrong answer."""
    draws = random.Random(5)  # noqa: S311 - a simulation
    order = config()
    return [
        a_run(draws, model.id, index, run_index, position / len(order.models))
        for position, model in enumerate(order.models)
        for index in range(len(order.images))
        for run_index in range(order.runs_per_image)
    ]


def a_run(draws: random.Random, model_id: str, image: int, run_index: int, weakness: float) -> RunFacts:
    expected = config().images[image].expected
    right = draws.random() > weakness
    answer = expected if right else spoiled(draws, expected)
    return RunFacts(
        model_id,
        image,
        run_index,
        outcome="passed" if right else "wrong",
        passed=right,
        passed_relaxed=right,
        diffs=[stored(diff) for diff in differences(expected, answer)],
        output="x" * 1500,
        latency_ms=draws.randint(500, 9000),
        prompt_tokens=1500,
        completion_tokens=500,
        cost_usd=Decimal(draws.randint(1, 99)) / 10_000,
        provider="Provider",
    )


def stored(diff: Difference) -> dict[str, object]:
    return {name: clean_value(value) for name, value in diff._asdict().items()}


def spoiled(draws: random.Random, value: object) -> object:
    """Return a JSON value with a tenth of its leaves wrong."""
    if isinstance(value, dict):
        return {key: spoiled(draws, child) for key, child in value.items()}
    if isinstance(value, list):
        return [spoiled(draws, child) for child in value]
    return "misread" if draws.random() < 0.1 else value  # noqa: PLR2004 - says so above
