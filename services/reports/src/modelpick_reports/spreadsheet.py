"""A report as CSV: one row a run."""

import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal

from modelpick_shared.document import ReportDocument, RunEntry, plain_usd
from modelpick_shared.document.schemas import Diff

# The name comes first: a program that takes the byte order mark for a part of the first column's name
# still finds every column that it can join by.
COLUMNS = (
    *("model", "n", "model_id", "image_index", "run_index", "outcome", "unmeasured_reason"),
    *("strict", "relaxed", "differences", "difference_paths", "latency_ms", "prompt_tokens"),
    *("completion_tokens", "cost_usd", "provider", "attempts", "error", "output", "output_truncated"),
)

BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as the country's old code page
CELL_LIMIT = 32_000  # Excel cuts a cell at 32,767 characters and calls the file damaged

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # no cell holds NUL, and no file a lone surrogate
# Cells start at the start of the text and, for a spreadsheet set to another separator than the comma (Excel
# in most of Europe), after a semicolon, tab or line break inside it. Blanks and quotes are passed over, as
# spreadsheets do. A number alone up to the next such place is harmless. Signs may be of full or small width.
_FORMULA = re.compile(
    r"""(?P<start>\A|[;\t\r\n]) (?P<passed>[ \v\f"'\u00a0\u2000-\u200f\u2018-\u201f\u2060\u3000\ufeff]*)
    (?!-?\d+(\.\d+)?([eE][+-]?\d+)?[ ]*,?[ ]*(\Z|[;\t\r\n]))
    (?P<sign>[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b])""",
    re.VERBOSE | re.ASCII,
)
_CONTROL_AT_START = ("\t", "\r", "\n")


def csv_of(document: ReportDocument) -> str:
    """Return the runs as RFC 4180 CSV that opens in a spreadsheet with the right types, and is safe there.

    It starts with a byte order mark; encode it as UTF-8, or read it as `utf-8-sig`.
    """
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    names = {model.id: model.name for model in document.models}
    for run in document.runs:
        writer.writerow([harmless(value) for value in _row(names.get(run.model_id), run)])
    return text.getvalue()


def harmless(value: object) -> str:
    """Write a value so that a spreadsheet takes no text for a formula (OWASP, CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | Decimal):
        return str(value)
    return _unarmed(_writable(str(value)))


def _unarmed(text: str) -> str:
    if _NUMBER.fullmatch(text):
        return text
    quoted = _FORMULA.sub(r"\g<start>'\g<passed>\g<sign>", text)
    return f"'{quoted}" if quoted.startswith(_CONTROL_AT_START) else quoted


def _writable(text: str) -> str:
    """Replace what a file or a cell cannot hold, and cut what is too long for a cell."""
    whole = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return whole if len(whole) <= CELL_LIMIT else f"{whole[:CELL_LIMIT]}\N{HORIZONTAL ELLIPSIS}"


def _row(name: str | None, run: RunEntry) -> list[object]:
    return [
        *(name, run.n, run.model_id, run.image_index, run.run_index, run.outcome, run.unmeasured_reason),
        *(run.strict, run.relaxed, len(run.diffs), _paths(run.diffs), run.latency_ms, run.prompt_tokens),
        *(run.completion_tokens, None if run.cost_usd is None else plain_usd(run.cost_usd)),
        *(run.provider, run.attempts, run.error, run.output, run.output_truncated),
    ]


def _paths(diffs: Sequence[Diff]) -> str:
    """List where the answer differs, for a filter or a pivot table; the whole value has no path."""
    return ", ".join(diff.path or "(everything)" for diff in diffs)
