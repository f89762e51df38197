import json
import os
import subprocess
import sys
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from modelpick_ops.main import app


def answer(*lines: str | bytes):
    text = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    return CliRunner().invoke(app, ["score"], input=text)


def asked(expected, actual) -> str:
    return json.dumps({"expected": expected, "actual": actual})


def test_each_line_is_scored_with_its_differences():
    given = asked({"shop": "A", "lines": [1, 2]}, {"shop": "a", "lines": [1]}), asked([1], [1.0])

    result = answer(*given)

    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {
            "strict": False,
            "relaxed": False,
            "diffs": [
                {"path": "shop", "kind": "wrong", "expected": "A", "actual": "a", "rescued_by": "relaxed"},
                {"path": "lines[1]", "kind": "missing", "expected": 2, "actual": None, "rescued_by": None},
            ],
        },
        {"strict": True, "relaxed": True, "diffs": []},
    ]
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("oops", "Expecting value at column 1"),
        ('{"expected": 1', "column"),
        ('{"expected": 1}', "no object with expected and actual"),
        ("[1, 2]", "no object with expected and actual"),
        ('{"expected": 1, "actual": NaN}', "NaN is not JSON"),
        ('{"expected": 1, "actual": {"a": 1, "a": 1}}', "a key is given twice"),
        ('{"expected": 1, "actual": ' + "[" * 100_000 + "}", "nested too deeply"),
        (asked(1, 1) + asked(2, 2), "text after the JSON"),
        (b'{"expected": "\xff", "actual": 1}', "not UTF-8"),
    ],
)
def test_a_bad_line_is_told_by_its_number_and_does_not_stop_the_rest(line, reason):
    result = answer(asked(1, 1), line, asked(1, 2))

    assert result.exit_code == 1
    assert [json.loads(scored)["strict"] for scored in result.stdout.splitlines()] == [True, False]
    (told,) = result.stderr.splitlines()
    assert told.startswith("line 2: ")
    assert reason in told


def test_numbers_are_written_as_they_were():
    result = answer('{"expected": [1.50, 1], "actual": [0.1000000000000000055, 1e400, ' + "9" * 5000 + "]}")

    (line,) = result.stdout.splitlines()
    diffs = json.loads(line, parse_float=Decimal, parse_int=Decimal)["diffs"]
    assert [diff["actual"] for diff in diffs] == [
        Decimal("0.1000000000000000055"),
        Decimal("1e400"),
        Decimal("9" * 5000),
    ]
    assert '"expected": 1.50' in line


def test_lone_surrogates_and_any_script_can_be_printed():
    result = answer('{"expected": "\\ud800", "actual": {"Größe": "\u0ba4"}}')

    assert result.exit_code == 0
    assert json.loads(result.stdout)["diffs"][0]["actual"] == {"Größe": "\u0ba4"}


def test_nothing_in_gives_nothing_out():
    result = answer()

    assert (result.exit_code, result.stdout) == (0, "")


def test_an_argument_is_a_usage_error():
    assert CliRunner().invoke(app, ["score", "file.jsonl"]).exit_code == 2


def test_a_reader_that_has_seen_enough_gets_no_traceback():
    process = run_score()
    process.stdin.write(f"{asked([1, 2], [2])}\n".encode())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["strict"] is False  # at once, without waiting for the next
    process.stdout.close()
    lines = f"{asked([1, 2], [2])}\n".encode() * 2000
    _, told = process.communicate(lines)
    assert process.returncode == 1
    assert told == b""


def run_score() -> subprocess.Popen[bytes]:
    """Start the command as a script would, without any setting."""
    environment = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"}
    return subprocess.Popen(
        [sys.executable, "-c", "from modelpick_ops.main import main; main()", "score"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
