import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpick_reports.spreadsheet import CELL_LIMIT, harmless

WIDE_SIGNS = (
    "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH COMMERCIAL AT}\N{SMALL HYPHEN-MINUS}"
)
SIGNS = f"=+-@{WIDE_SIGNS}"
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
