"""`modelpick score`: the two matches and the differences, for scripts. Needs no running system."""

import json
import sys
from decimal import Decimal
from typing import Any

import typer

from modelpick_ops.errors import FAILED


def score() -> None:
    """Score lines of JSON, {"expected": ..., "actual": ...}, from standard input.

    Each gives a line {"strict": bool, "relaxed": bool, "diffs": [...]} on standard output, at once. A
    difference has path, kind (missing, extra or wrong), expected, actual and rescued_by. Keys other than
    expected and actual are ignored.

    A line that is no such object, an empty one included, gives no line there: it is told by its number on
    standard error. The others are scored all the same, and the exit code is 1.
    """
    all_good = True
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            typer.echo(_scored(line))
        except ValueError as error:
            all_good = False
            typer.echo(f"line {number}: {error}", err=True)
    if not all_good:
        raise typer.Exit(FAILED)


def _scored(line: bytes) -> str:
    """Return the answer to one line. Raises ValueError, saying what is wrong with the line."""
    # It loads numpy, which would cost every other command a tenth of a second.
    from modelpick_shared.scoring import differences, relaxed_match, strict_match  # noqa: PLC0415

    expected, actual = _pair(line)
    answer = {
        "strict": strict_match(expected, actual),
        "relaxed": relaxed_match(expected, actual),
        "diffs": [diff._asdict() for diff in differences(expected, actual)],
    }
    return _as_json(answer)


def _pair(line: bytes) -> tuple[Any, Any]:
    from modelpick_shared.scoring import InvalidAnswerError, parse_answer  # noqa: PLC0415 - as above

    if not line.strip():
        raise ValueError("empty")
    try:
        value = parse_answer(line.decode())
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except InvalidAnswerError as error:
        raise ValueError(str(error).replace("line 1, ", "")) from None
    if not isinstance(value, dict) or not {"expected", "actual"} <= value.keys():
        raise ValueError("no object with expected and actual")
    return value["expected"], value["actual"]


def _as_json(value: Any) -> str:
    """Write JSON in ASCII, with fractions as they are: json knows them as floats alone."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)}: {_as_json(child)}' for key, child in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_as_json, value))}]"
    return json.dumps(value)
