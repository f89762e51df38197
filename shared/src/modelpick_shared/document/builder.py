from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from modelpick_shared.contracts import ReportStatus
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ModelSpec
from modelpick_shared.document import figures
from modelpick_shared.document.entries import IN_A_DOCUMENT, Limits, run_entry
from modelpick_shared.document.facts import ReportFacts, RunFacts
from modelpick_shared.document.fields import LeafFields, least_often_right, tally, tally_by_path
from modelpick_shared.document.ranking import Place, Standing, is_ranked, pareto, places
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

_MAX_BYTES = 2_000_000
_SHORTER = (
    *(Limits(output_bytes=limit) for limit in (1024, 512, 256, 128, 0)),
    *(Limits(output_bytes=0, diffs=limit) for limit in (50, 20, 10, 5, 2)),
)


class _Column(NamedTuple):
    """One model of the report with its runs so far."""

    model: ModelSpec
    runs: list[RunFacts]
    measured: list[RunFacts]


def build_document(
    report: ReportFacts, config: ConfigSnapshot, runs: Sequence[RunFacts], *, image_url: ImageUrl
) -> ReportDocument:
    """Return what the report says so far; of a running report, what is measured until now.

    `runs` may come in any order: the same data give the same bytes. `image_url` gives the address of the
    image of an index. Outputs are cut at 2 KiB each, and all of them shorter where the document would not be
    under 2 MB of JSON otherwise. Where even that is not enough, the last differences of runs with very many
    are left out; all figures are computed from all of them. Last, of thousands of fields those that are most
    often right are left out.
    """
    columns = _columns(config, runs)
    leaves = [LeafFields(image.expected) for image in config.images]
    document = ReportDocument(
        id=report.id,
        status=ReportStatus(report.status),
        revision=report.revision,
        created_at=report.created_at,
        completed_at=report.completed_at,
        config=_config(config, image_url),
        totals=_totals(report, columns),
        models=_models(config, columns, leaves),
        fields=_fields(columns, leaves),
        runs=_runs(config, columns, IN_A_DOCUMENT),
    )
    return _fitted(document, config, columns)


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
    entries = [_unranked(column, leaves) for column in columns]
    planned = len(config.images) * config.runs_per_image
    standings = {
        entry.id: _standing(entry, column, len(config.images))
        for entry, column in zip(entries, columns, strict=True)
        if is_ranked(len(column.measured), planned)
    }
    place, best_value = places(standings), pareto(standings)
    return [
        entry.model_copy(
            update={**place.get(entry.id, Place(None, []))._asdict(), "pareto": entry.id in best_value}
        )
        for entry in entries
    ]


def _standing(entry: ModelEntry, column: _Column, images: int) -> Standing:
    return Standing(
        strict=entry.strict.pass_rate or 0.0,
        relaxed=entry.relaxed.pass_rate or 0.0,
        field_accuracy=entry.field_accuracy or 0.0,
        per_image_usd=entry.cost_usd.per_image,
        shares=figures.shares_by_image(column.measured, images),
    )


def _unranked(column: _Column, leaves: Sequence[LeafFields]) -> ModelEntry:
    model, runs, measured = column
    outcomes = Counter(str(run.outcome) for run in runs)
    return ModelEntry(
        id=model.id,
        name=model.name,
        provider=model.provider,
        tier=model.tier,
        rank=None,
        tied_with=[],
        strict=figures.strict_rate(measured),
        relaxed=figures.relaxed_rate(measured),
        field_accuracy=tally(measured, leaves).accuracy,
        consistency=figures.consistency(measured),
        latency_ms=figures.latency(measured),
        cost_usd=figures.cost(measured),
        outcomes=OutcomeCounts(**{name: outcomes[name] for name in OutcomeCounts.model_fields}),
        pareto=False,
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


def _runs(config: ConfigSnapshot, columns: Sequence[_Column], limits: Limits) -> list[RunEntry]:
    return [
        run_entry(run, run_number(config, run.model_id, run.image_index, run.run_index), limits)
        for column in columns
        for run in column.runs
    ]


def _fitted(document: ReportDocument, config: ConfigSnapshot, columns: Sequence[_Column]) -> ReportDocument:
    """Shorten runs while the document is too big: 720 outputs of 2 KiB leave little room for the rest.

    Runs are to be had whole elsewhere, but fields are not: those are left out last.
    """
    for limits in _SHORTER:
        if _excess(document) <= 0:
            return document
        document = document.model_copy(update={"runs": _runs(config, columns, limits)})
    while document.fields and (excess := _excess(document)) > 0:
        all_fields = sum(len(field.model_dump_json().encode()) for field in document.fields)
        kept = max(0, int(0.98 * len(document.fields) * (1 - excess / all_fields)))
        document = document.model_copy(update={"fields": least_often_right(document.fields, kept)})
    return document


def _excess(document: ReportDocument) -> int:
    """Return by how many bytes a document is too big."""
    return len(document.model_dump_json().encode()) - _MAX_BYTES + 1
