from decimal import Decimal

import pytest

from modelpick_reports.spreadsheet import harmless


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "+", "--1", "-1-1"],
)
def test_text_that_a_spreadsheet_would_run_is_quoted(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (0, "0"),
        (-5, "-5"),
        (Decimal("-0.5"), "-0.5"),
        ("-12.50", "-12.50"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_numbers_and_other_text_stay_as_they_are(value, cell):
    assert harmless(value) == cell
