"""The tables of a report, row by row, as they are printed."""

import string
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from modelpick_reports.exports.answer import leaders
from modelpick_reports.formats import (
    breakable,
    counted,
    end_of,
    interval,
    name_of,
    percent,
    price,
    seconds,
    shortened,
)
from modelpick_shared.document import ReportDocument
from modelpick_shared.document.fields import mean_accuracy
from modelpick_shared.document.schemas import FieldEntry, ModelEntry

Rows = list[dict[str, Any]]
Keys = Mapping[str, str]

MOST_FIELDS = 60
_NAME_LETTERS = 72
_PATH_LETTERS = 34
_HEAD_LETTERS = 30
# The lower bounds of the shades of the heat map, in the per cent that are shown; theme.typ names them.
SHADES = (100, 95, 85, 70, 50, 0)


def keys_of(ordered: Sequence[ModelEntry]) -> dict[str, str]:
    """Name each model by a letter, A the best: A to Z, then AA, AB and so on."""
    return {model.id: _letters(number) for number, model in enumerate(ordered)}


def ranking_rows(document: ReportDocument, ordered: Sequence[ModelEntry], keys: Keys) -> Rows:
    best = {model.id for model in leaders(document)}
    held = Counter(model.rank for model in ordered)
    return [_ranking_row(model, keys, best, shared=held[model.rank] > 1) for model in ordered]


def legend(rows: Rows) -> str:
    """Explain the marks that the ranking has."""
    best = sum(row["best"] for row in rows)
    return " ".join(
        [
            *(
                ["Tinted rows share first place: the images cannot tell these models apart."]
                if best > 1
                else []
            ),
            *(["A rank with = is shared."] if any("=" in (row["rank"] or "") for row in rows) else []),
            *(
                ["Costs in green are the best value: no model is both cheaper and as accurate."]
                if any(row["pareto"] for row in rows)
                else []
            ),
            "The letters stand for the models in the charts and tables below.",
        ]
    )


def outcome_rows(document: ReportDocument, ordered: Sequence[ModelEntry], keys: Keys) -> Rows:
    """Return how each model's runs ended, and why those that are unmeasured are so."""
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for run in document.runs:
        if run.unmeasured_reason:
            reasons[run.model_id][run.unmeasured_reason] += 1
    return [
        {
            "key": keys[model.id],
            "name": breakable(name_of(model), _NAME_LETTERS),
            "counts": list(model.outcomes.model_dump().values()),
            "reasons": ", ".join(
                f"{reason.replace('_', ' ')} {count}" for reason, count in reasons[model.id].most_common()
            ),
        }
        for model in ordered
    ]


def model_rows(document: ReportDocument, ordered: Sequence[ModelEntry], keys: Keys) -> Rows:
    """Return what each model is, what it was offered for and who served it."""
    prices = {model.id: model for model in document.config.models}
    served: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for run in document.runs:
        if run.provider:
            served[run.model_id][run.provider] += 1
    return [
        {
            "key": keys[model.id],
            "name": breakable(name_of(model), _NAME_LETTERS),
            "id": breakable(model.id, _NAME_LETTERS),
            "tier": model.tier,
            "input": _list_price(prices[model.id].input_usd_per_1m),
            "output": _list_price(prices[model.id].output_usd_per_1m),
            "served": _servers(served[model.id]),
        }
        for model in ordered
    ]


def heat_map(document: ReportDocument, ordered: Sequence[ModelEntry], keys: Keys) -> dict[str, Any]:
    """Return the share of right answers a field and model; of very many fields those least often right."""
    shown = _worst(document.fields)
    return {
        "columns": [
            {"key": keys[model.id], "name": shortened(name_of(model), _HEAD_LETTERS)} for model in ordered
        ],
        "rows": [
            {
                "path": end_of(field.path or "(the whole value)", _PATH_LETTERS),
                "cells": [_cell(field.by_model.get(model.id)) for model in ordered],
            }
            for field in shown
        ],
        "note": _left_out(len(shown), len(document.fields)),
    }


def _letters(number: int) -> str:
    first, last = divmod(number, len(string.ascii_uppercase))
    return (_letters(first - 1) if first else "") + string.ascii_uppercase[last]


def _ranking_row(model: ModelEntry, keys: Keys, best: set[str], *, shared: bool) -> dict[str, Any]:
    counts = model.outcomes
    measured = sum(counts.model_dump().values()) - counts.unmeasured
    rank = None if model.rank is None else f"{model.rank}{'=' if shared else ''}"
    return {
        "key": keys[model.id],
        "rank": rank,
        "best": model.id in best,
        "name": breakable(name_of(model), _NAME_LETTERS),
        "strict": percent(model.strict.pass_rate),
        "rate": model.strict.pass_rate,
        "ci95": model.strict.ci95,
        "interval": interval(model.strict.ci95),
        "relaxed": percent(model.relaxed.pass_rate),
        "fields": percent(model.field_accuracy),
        "consistency": percent(model.consistency, 0),
        "cost": price(model.cost_usd.per_1000_images),
        "pareto": model.pareto,
        "p50": seconds(model.latency_ms.p50),
        "measured": str(measured),
        "unmeasured": str(counts.unmeasured),
    }


def _list_price(amount_usd: Decimal) -> str:
    """Write a price to the cent, or as many as four places where it has them."""
    cents, finer = f"{amount_usd:,.2f}", f"{amount_usd:,.4f}".rstrip("0")
    return f"${max(cents, finer, key=len)}"


def _servers(providers: Counter[str]) -> str:
    """Name who served the model; with the number of runs where it was more than one."""
    if len(providers) > 1:
        return ", ".join(f"{shortened(name, 24)} ({runs})" for name, runs in providers.most_common(3))
    return shortened(next(iter(providers), ""), 30)


def _worst(fields: Sequence[FieldEntry]) -> list[FieldEntry]:
    if len(fields) <= MOST_FIELDS:
        return list(fields)
    return sorted(fields, key=mean_accuracy)[:MOST_FIELDS]


def _left_out(shown: int, there: int) -> str:
    if shown == there:
        return ""
    return f"These are the {shown} fields least often right; the JSON export has {counted(there, 'field')}."


def _cell(accuracy: float | None) -> dict[str, Any]:
    if accuracy is None:
        return {"text": "", "shade": None}
    text = percent(accuracy, 0)
    return {"text": text, "shade": next(number for number, bound in enumerate(SHADES) if int(text) >= bound)}
