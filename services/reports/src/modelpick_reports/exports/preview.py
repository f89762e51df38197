"""The picture that stands for a report where its link is shared."""

from typing import Any

from modelpick_reports.exports.answer import answer_of, leaders, ranking
from modelpick_reports.exports.pdf import dated
from modelpick_reports.exports.typesetting import typesetter
from modelpick_reports.formats import counted, name_of, percent, shortened
from modelpick_shared.document import ReportDocument
from modelpick_shared.document.schemas import ModelEntry

WIDTH_PX, HEIGHT_PX = 1200, 630

_BARS = 5
_NAME_LETTERS = 30
_HEADLINE_LETTERS = 88
_DETAIL_LETTERS = 150
# Up to so many letters a headline keeps within two lines at so many points.
_HEADLINE_SIZES = ((34, 62), (66, 54), (_HEADLINE_LETTERS, 44))


def preview_of(document: ReportDocument) -> bytes:
    """Return a PNG of 1200 x 630 pixels with the answer and the five best models.

    Takes 0.1 s of CPU, so call it in a thread. Safe in several at once.
    """
    return typesetter().png("preview.typ", _contents(document), dated=dated(document))


def _contents(document: ReportDocument) -> dict[str, Any]:
    answer = answer_of(document)
    headline = shortened(answer.headline, _HEADLINE_LETTERS)
    return {
        "headline": headline,
        "headline_size": next(size for letters, size in _HEADLINE_SIZES if len(headline) <= letters),
        "detail": shortened(answer.short, _DETAIL_LETTERS),
        "scope": _scope(document),
        "bars": _bars(document),
    }


def _scope(document: ReportDocument) -> str:
    images, runs = len(document.config.images), document.config.runs_per_image
    times = "" if runs == 1 else f" \N{MULTIPLICATION SIGN} {runs} runs"
    models = counted(len(document.config.models), "model")
    return f"{models} \N{MIDDLE DOT} {counted(images, 'image')}{times}"


def _bars(document: ReportDocument) -> list[dict[str, Any]]:
    best = {model.id for model in leaders(document)}
    shown = [
        model for model in ranking(document) if model.rank is not None and model.strict.pass_rate is not None
    ]
    return [_bar(model, best=model.id in best) for model in shown[:_BARS]]


def _bar(model: ModelEntry, *, best: bool) -> dict[str, Any]:
    return {
        "name": shortened(name_of(model), _NAME_LETTERS),
        "strict": percent(model.strict.pass_rate),
        "rate": model.strict.pass_rate,
        "ci95": model.strict.ci95,
        "best": best,
    }
