"""The answer that a report gives, in a headline and a sentence."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from modelpick_reports.formats import interval, name_of, percent, price, shortened
from modelpick_shared.document import ReportDocument
from modelpick_shared.document.schemas import ModelEntry, PassRate

_UNPRICED = Decimal("Infinity")
_A_PAIR = 2
_CLOSE = 0.1
_NAME_LETTERS = 44


class Answer(NamedTuple):
    """A headline, a sentence or two, and the same cut short for where there is little room."""

    headline: str
    detail: str
    short: str


def ranking(document: ReportDocument) -> list[ModelEntry]:
    """Return the models best first, the unranked last; in `document.ranking`'s order within a rank."""
    return sorted(document.models, key=_standing)


def leaders(document: ReportDocument) -> list[ModelEntry]:
    """Return the models of the first rank and those that cannot be told apart from them."""
    ordered = ranking(document)
    first = {model.id for model in ordered if model.rank == 1}
    tied = {other for model in ordered if model.rank == 1 for other in model.tied_with}
    return [model for model in ordered if model.id in first | tied]


def answer_of(document: ReportDocument) -> Answer:
    """Return the answer; of a report that runs, what can be said so far."""
    best = leaders(document)
    running = document.status == "running"
    if document.status not in {"paid", "failed"} and best and best[0].strict.pass_rate:
        headline = _headline([_name(model) for model in best], len(document.models))
        return Answer(
            f"{headline}, so far" if running else headline, _detail(best) + _cheaper(document), _short(best)
        )
    headline, detail = _no_answer(document, ranked=bool(best), running=running)
    return Answer(headline, detail, detail)


def _no_answer(document: ReportDocument, *, ranked: bool, running: bool) -> tuple[str, str]:
    jobs = document.totals.jobs
    if document.status == "paid":
        return "This report has not started yet", f"{jobs:,} runs are planned."
    if document.status == "failed":
        return "Nothing could be measured", f"None of the {jobs:,} runs gave an answer that can be judged."
    if ranked:
        return "No model read a document exactly right", _by_field(document)
    if running:
        return "No model can be ranked yet", "A model is ranked once half of its runs are measured."
    return "No model can be ranked", "Fewer than half of the runs of every model could be measured."


def measured_share(rate: PassRate) -> str:
    """Write a rate with its interval, where there is one."""
    shown = f"{percent(rate.pass_rate)} %"
    return shown if rate.ci95 is None else f"{shown} (95 % interval {interval(rate.ci95)} %)"


def _name(model: ModelEntry) -> str:
    return shortened(name_of(model), _NAME_LETTERS)


def _standing(model: ModelEntry) -> tuple[bool, int, float, float, float, Decimal]:
    cost = model.cost_usd.per_1000_images
    return (
        model.rank is None,
        model.rank or 0,
        -(model.strict.pass_rate or 0.0),
        -(model.relaxed.pass_rate or 0.0),
        -(model.field_accuracy or 0.0),
        _UNPRICED if cost is None else cost,
    )


def _headline(names: Sequence[str], models: int) -> str:
    if models == 1:
        return f"How well {names[0]} reads these documents"
    if len(names) == 1:
        return f"{names[0]} reads these documents best"
    if len(names) == _A_PAIR:
        return f"{names[0]} and {names[1]} share first place"
    return f"{names[0]} and {len(names) - 1} more share first place"


def _detail(best: Sequence[ModelEntry]) -> str:
    first = best[0]
    share = measured_share(first.strict)
    if len(best) == 1:
        return f"{share} of its answers are exactly right."
    equal = all(model.strict.pass_rate == first.strict.pass_rate for model in best)
    owner = "their answers are" if equal else f"the answers of {_name(first)} are"
    return f"{share} of {owner} exactly right; these images cannot tell the {len(best)} apart."


def _short(best: Sequence[ModelEntry]) -> str:
    share = measured_share(best[0].strict)
    if len(best) == 1:
        return f"{share} of its answers are exactly right"
    return f"{_name(best[0])}: {share} of answers exactly right"


def cheapest(document: ReportDocument) -> tuple[ModelEntry | None, list[ModelEntry]]:
    """Return the cheapest of the leaders that are about as accurate as the first, and all of these.

    None where nobody leads, or where the bill of one of them is unknown.
    """
    best = leaders(document)
    floor = (best[0].strict.pass_rate or 0.0) - _CLOSE if best else 0.0
    close = [model for model in best if (model.strict.pass_rate or 0.0) >= floor]
    return _cheapest_of(close), close


def _cheapest_of(close: Sequence[ModelEntry]) -> ModelEntry | None:
    priced = [
        (model.cost_usd.per_1000_images, number, model)
        for number, model in enumerate(close)
        if model.cost_usd.per_1000_images is not None
    ]
    return min(priced)[2] if priced and len(priced) == len(close) else None


def _cheaper(document: ReportDocument) -> str:
    """Name the cheapest, if it is another than the first."""
    model, close = cheapest(document)
    if model is None or model.id == close[0].id:
        return ""
    cost_usd = model.cost_usd.per_1000_images
    cost = "is free" if cost_usd == 0 else f"costs {price(cost_usd)} for 1,000 images"
    return f" {_name(model)}, at {percent(model.strict.pass_rate)} %, {cost}."


def _by_field(document: ReportDocument) -> str:
    known = [(model.field_accuracy, _name(model)) for model in document.models if model.field_accuracy]
    if not known:
        return "No field was read right either."
    share, name = max(known)
    return f"Field by field, {name} comes closest: {percent(share)} % of its fields are right."
