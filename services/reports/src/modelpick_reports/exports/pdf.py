"""A report as PDF."""

from datetime import datetime
from typing import Any

from modelpick_reports.exports.answer import answer_of, ranking
from modelpick_reports.exports.charts import cost_chart, latency_chart
from modelpick_reports.exports.tables import heat_map, keys_of, legend, model_rows, outcome_rows, ranking_rows
from modelpick_reports.exports.typesetting import typesetter
from modelpick_reports.formats import counted, duration, moment, one_line, printable, shortened, usd
from modelpick_shared.document import ReportDocument

_PROMPT_LETTERS = 1200
_HEADLINE_LETTERS = 110


def pdf_of(document: ReportDocument) -> bytes:
    """Return the report as PDF; the same bytes for the same document on the same machine.

    Takes 0.1 to 0.3 s of CPU for a full report, so call it in a thread. Safe in several at once.
    """
    return typesetter().pdf("report.typ", _contents(document), dated=dated(document))


def dated(document: ReportDocument) -> datetime:
    """Return the time that a file of this report bears: that of the report, not that of the export."""
    return document.completed_at or document.created_at


def _contents(document: ReportDocument) -> dict[str, Any]:
    ordered = ranking(document)
    keys = keys_of(ordered)
    answer = answer_of(document)
    prompt = printable(document.config.extraction_prompt).strip()
    rows = ranking_rows(document, ordered, keys)
    return {
        "id": str(document.id),
        "date": f"{dated(document):%-d %B %Y}",
        "headline": shortened(answer.headline, _HEADLINE_LETTERS),
        "detail": one_line(answer.detail),
        "note": _note(document),
        "facts": _facts(document),
        "prompt": prompt[:_PROMPT_LETTERS],
        "prompt_cut": len(prompt) > _PROMPT_LETTERS,
        "ranking": rows,
        "legend": legend(rows),
        "cost_chart": cost_chart(ordered, keys),
        "latency_chart": latency_chart(ordered, keys),
        "measured": bool(document.totals.measured),
        "heat_map": heat_map(document, ordered, keys),
        "outcomes": outcome_rows(document, ordered, keys),
        "models": model_rows(document, ordered, keys),
        "images": len(document.config.images),
        "runs_per_image": document.config.runs_per_image,
        "intervals": any(model.strict.ci95 for model in document.models),
    }


def _note(document: ReportDocument) -> str:
    """Say what is unfinished about the report; nothing of a complete one."""
    totals = document.totals
    if document.status == "running":
        done = totals.measured + totals.unmeasured
        return f"Still running: {done:,} of {counted(totals.jobs, 'run')} are done. The figures will change."
    if document.status == "partial":
        share = f"{totals.unmeasured:,} of {counted(totals.jobs, 'run')}"
        return f"Partial: {share} could not be measured. They count neither for nor against a model."
    return ""


def _facts(document: ReportDocument) -> list[list[str]]:
    config, totals = document.config, document.totals
    images, runs = len(config.images), config.runs_per_image
    unmeasured = f", {totals.unmeasured:,} unmeasured" if totals.unmeasured else ""
    policy = "no training on the images" if config.data_policy == "no_training" else "any"
    return [
        ["Models", f"{len(config.models)}"],
        ["Images", f"{images}, each read {'once' if runs == 1 else f'{runs} times'}"],
        ["Runs", f"{totals.jobs:,} planned, {totals.measured:,} measured{unmeasured}"],
        ["Spent on model calls", usd(totals.spent_usd)],
        ["Ordered", moment(document.created_at)],
        ["Finished", moment(document.completed_at)],
        ["Took", duration(totals.duration_s)],
        ["Data policy", policy],
    ]
