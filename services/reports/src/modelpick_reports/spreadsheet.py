"""A report as CSV: one row a run."""

import csv
import io
import re

from modelpick_shared.document import ReportDocument, RunEntry, plain_usd

COLUMNS = (
    *("n", "model_id", "image_index", "run_index", "outcome", "unmeasured_reason", "strict", "relaxed"),
    *("differences", "latency_ms", "prompt_tokens", "completion_tokens", "cost_usd", "provider", "attempts"),
    *("error", "output", "output_truncated"),
)

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def csv_of(document: ReportDocument) -> str:
    """Return the runs as RFC 4180 CSV, safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([harmless(value) for value in _row(run)] for run in document.runs)
    return text.getvalue()


def harmless(value: object) -> str:
    """Write a value so that a spreadsheet takes no text for a formula (OWASP, CSV injection)."""
    text = "" if value is None else str(value)
    if text.startswith(_STARTS_A_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _row(run: RunEntry) -> list[object]:
    return [
        *(run.n, run.model_id, run.image_index, run.run_index, run.outcome, run.unmeasured_reason),
        *(_yes_or_no(run.strict), _yes_or_no(run.relaxed), len(run.diffs), run.latency_ms),
        *(run.prompt_tokens, run.completion_tokens),
        None if run.cost_usd is None else plain_usd(run.cost_usd),
        *(run.provider, run.attempts, run.error, run.output, _yes_or_no(run.output_truncated)),
    ]


def _yes_or_no(value: bool | None) -> str | None:  # noqa: FBT001 - one value to write, not a switch
    return None if value is None else str(value).lower()
