from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from modelpick_shared.contracts import ReportStatus
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ModelSpec
from modelpick_shared.document import figures
from modelpick_shared.document.entries import run_entry
from modelpick_shared.document.facts import ReportFacts, RunFacts
from modelpick_shared.document.fields import LeafFields, tally, tally_by_path
from modelpick_shared.document.ranking import Standing, is_ranked, pareto, ranks
from modelpick_shared.document.schemas import (
    Config,
    ConfigImage,
    ConfigModel,
    FieldEntry,
    ModelEntry,
    OutcomeCounts,
    ReportDocument,
    RunEntry,
    Totals,
)

ImageUrl = Callable[[int], str]


class _Column(NamedTuple):
    """One model of the report with its runs so far."""

    model: ModelSpec
    runs: list[RunFacts]
    measured: list[RunFacts]


def build_document(
    report: ReportFacts, config: ConfigSnapshot, runs: Sequence[RunFacts], *, image_url: ImageUrl
) -> ReportDocument:
    """Return what the report says so far; of a running report, what is measured until now.

    `runs` may come in any order; `image_url` gives the address of the image of an index.
    """
    columns = _columns(config, runs)
    leaves = [LeafFields(image.expected) for image in config.images]
    return ReportDocument(
        id=report.id,
        status=ReportStatus(report.status),
        revision=report.revision,
        created_at=report.created_at,
        completed_at=report.completed_at,
        config=_config(config, image_url),
        totals=_totals(report, columns),
        models=_models(config, columns, leaves),
        fields=_fields(columns, leaves),
        runs=_runs(config, columns),
    )


def run_number(config: ConfigSnapshot, model_id: str, image_index: int, run_index: int) -> int:
    """Return a run's position in the report's plan: by model, image and run, from 0.

    Once the report has ended it is the position in the document's `runs` too; it never changes before.
    """
    position = next(number for number, model in enumerate(config.models) if model.id == model_id)
    return (position * len(config.images) + image_index) * config.runs_per_image + run_index


def _columns(config: ConfigSnapshot, runs: Sequence[RunFacts]) -> list[_Column]:
    by_model: defaultdict[str, list[RunFacts]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.image_index, run.run_index)):
        by_model[run.model_id].append(run)
    return [
        _Column(model, by_model[model.id], [run for run in by_model[model.id] if run.measured])
        for model in config.models
    ]


def _config(config: ConfigSnapshot, image_url: ImageUrl) -> Config:
    return Config(
        models=[ConfigModel.model_validate(model, from_attributes=True) for model in config.models],
        images=[
            ConfigImage(index=index, url=image_url(index), expected=image.expected)
            for index, image in enumerate(config.images)
        ],
        extraction_prompt=config.extraction_prompt,
        json_schema=config.json_schema,
        runs_per_image=config.runs_per_image,
        data_policy=config.data_policy,
    )


def _totals(report: ReportFacts, columns: Sequence[_Column]) -> Totals:
    counted = sum(len(column.runs) for column in columns)
    measured = sum(len(column.measured) for column in columns)
    duration_s = None
    if report.started_at and report.completed_at:
        duration_s = round((report.completed_at - report.started_at).total_seconds(), 3)
    return Totals(
        jobs=report.total_jobs,
        measured=measured,
        unmeasured=counted - measured,
        spent_usd=report.spent_usd,
        duration_s=duration_s,
    )


def _models(
    config: ConfigSnapshot, columns: Sequence[_Column], leaves: Sequence[LeafFields]
) -> list[ModelEntry]:
    planned = len(config.images) * config.runs_per_image
    standings = {
        column.model.id: _standing(column) for column in columns if is_ranked(len(column.measured), planned)
    }
    rank, best_value = ranks(standings), pareto(standings)
    return [
        _model(column, leaves, rank=rank.get(column.model.id), best_value=column.model.id in best_value)
        for column in columns
    ]


def _standing(column: _Column) -> Standing:
    return Standing(
        strict=figures.strict_rate(column.measured).pass_rate or 0.0,
        relaxed=figures.relaxed_rate(column.measured).pass_rate or 0.0,
        per_image_usd=figures.cost(column.measured).per_image,
    )


def _model(
    column: _Column, leaves: Sequence[LeafFields], *, rank: int | None, best_value: bool
) -> ModelEntry:
    model, runs, measured = column
    outcomes = Counter(str(run.outcome) for run in runs)
    return ModelEntry(
        id=model.id,
        name=model.name,
        provider=model.provider,
        tier=model.tier,
        rank=rank,
        tied_with=[],
        strict=figures.strict_rate(measured),
        relaxed=figures.relaxed_rate(measured),
        field_accuracy=tally(measured, leaves).accuracy,
        consistency=figures.consistency(measured),
        latency_ms=figures.latency(measured),
        cost_usd=figures.cost(measured),
        outcomes=OutcomeCounts(**{name: outcomes[name] for name in OutcomeCounts.model_fields}),
        pareto=best_value,
    )


def _fields(columns: Sequence[_Column], leaves: Sequence[LeafFields]) -> list[FieldEntry]:
    """One entry a field, list indexes generalised, in the order in which the images first show them."""
    paths = dict.fromkeys(path for image in leaves for path in image.by_path)
    tallies = {column.model.id: tally_by_path(column.measured, leaves) for column in columns}
    return [
        FieldEntry(
            path=path,
            by_model={
                model_id: own[path].accuracy if path in own else None for model_id, own in tallies.items()
            },
        )
        for path in paths
    ]


def _runs(config: ConfigSnapshot, columns: Sequence[_Column]) -> list[RunEntry]:
    return [
        run_entry(run, run_number(config, run.model_id, run.image_index, run.run_index))
        for column in columns
        for run in column.runs
    ]
