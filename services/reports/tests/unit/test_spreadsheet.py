import csv
import io
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpick_reports.spreadsheet import CELL_LIMIT, COLUMNS, csv_of, harmless

SIGNS = "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH COMMERCIAL AT}\N{SMALL HYPHEN-MINUS}"
BLANKS = " \"'\t\r\n\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "-", "+", "--1", "-1-1", "-2+3+cmd|' /C calc'!D2"],
)
def test_text_that_a_spreadsheet_would_run_is_quoted(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "\t", "\n"])
def test_text_that_starts_with_a_control_character_is_quoted(text):
    assert harmless(text).startswith("'")


@pytest.mark.parametrize(
    "text", ["  =1+1", '"=1+1"', "'=1+1", "\N{FULLWIDTH EQUALS SIGN}1+1", "\N{ZERO WIDTH SPACE}@SUM(A1)"]
)
def test_a_formula_hidden_behind_blanks_quotes_or_wide_letters_is_quoted(text):
    assert harmless(text) == f"'{text}"


def test_a_formula_that_would_start_a_cell_at_another_separator_is_quoted():
    assert harmless("a;=1+1\n =2\tb;-x") == "a;'=1+1\n' =2\tb;'-x"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (0, "0"),
        (-5, "-5"),
        (True, "TRUE"),
        (False, "FALSE"),
        (Decimal("-0.5"), "-0.5"),
        ("-12.50", "-12.50"),
        ("a=b", "a=b"),
        ("", ""),
        ("[\n  -5,\n  -6.5e3\n]", "[\n  -5,\n  -6.5e3\n]"),
        ("M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller", "M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller"),
    ],
)
def test_numbers_and_other_text_stay_as_they_are(value, cell):
    assert harmless(value) == cell


def test_what_no_file_or_cell_can_hold_is_replaced_or_cut():
    assert harmless("a\ud800b\0c") == "a\ufffdb\ufffdc"
    assert len(harmless("x" * 100_000)) == CELL_LIMIT + 1


@given(st.lists(st.one_of(st.text(), st.text(SIGNS + BLANKS + ";,15ex|!"))), st.sampled_from(",;\t"))
def test_no_cell_starts_a_formula_whatever_the_separator(texts, separator):
    line = io.StringIO(newline="")
    csv.writer(line).writerow(["1", *(harmless(text) for text in texts)])
    rows = csv.reader(io.StringIO(line.getvalue(), newline=""), delimiter=separator)
    for cell in (cell for row in rows for cell in row):
        seen = cell.lstrip(BLANKS.replace("'", ""))
        assert not seen.startswith(tuple(SIGNS)) or is_a_number(seen.strip(' ",'))


def is_a_number(text):
    try:
        Decimal(text)
    except ArithmeticError:
        return False
    return True


def table(document):
    return pd.read_csv(io.BytesIO(csv_of(document).encode()), encoding="utf-8-sig")


def test_there_is_a_row_for_every_run_in_the_order_of_the_document(make_report):
    document = make_report(models=3, images=2, runs=2)
    rows = table(document)
    assert tuple(rows.columns) == COLUMNS
    assert list(rows["n"]) == [run.n for run in document.runs]
    assert list(rows["model"].unique()) == [model.name for model in document.models]


def test_columns_open_with_the_right_types(make_report):
    rows = table(make_report(models=4, images=3, runs=2, unmeasured=0.3))
    measured = rows[rows["outcome"] != "unmeasured"]
    assert measured["strict"].astype(bool).dtype == bool
    assert set(measured["strict"]) <= {True, False}
    assert rows["strict"].isna().sum() == len(rows) - len(measured)
    assert rows["output_truncated"].dtype == bool
    for column in ("n", "image_index", "run_index", "differences", "attempts"):
        assert rows[column].dtype == "int64"
    for column in ("latency_ms", "prompt_tokens", "completion_tokens", "cost_usd"):
        assert rows[column].dtype == "float64"


def test_the_file_starts_with_a_byte_order_mark_and_ends_its_lines_as_rfc_4180_says(make_report):
    text = csv_of(make_report(models=1, images=1, runs=1))
    assert text.encode().startswith(b"\xef\xbb\xbfmodel,n,")
    assert text.count("\r\n") == 2


def test_the_differing_paths_are_listed(make_report):
    document = make_report(models=2, images=2, runs=2)
    rows = table(document)
    differing = next(run for run in document.runs if run.diffs)
    row = rows[rows["n"] == differing.n].iloc[0]
    assert row["difference_paths"] == ", ".join(diff.path for diff in differing.diffs)
    assert row["differences"] == len(differing.diffs)
