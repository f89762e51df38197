import pytest

from modelpick_shared.scoring import differences, parse_answer


def rescued_by(expected, actual):
    (diff,) = differences(expected, actual)
    return diff.rescued_by


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1234.5, "1,234.50"),
        (1234.5, "1.234,50 €"),
        (1234567, "1'234'567"),
        (1234567, "1\u2019234\u2019567"),
        (1234.5, "1\u202f234,5"),
        (1234.5, "1\u00a0234,5"),
        (1234567, "12,34,567"),
        (9, "$9"),
        (9, "EUR 9"),
        (9, "9 chf"),
        (-9.5, "-€9.50"),
        (-9.5, "€ \u22129,50"),
        (-9.5, "9.50-"),
        ("9,50", "9.50"),
        ("1.234", 1234),
        (1.234, "1,234"),
        ("€9", "9 EUR"),
        ("9", "9,00 zł"),
        (0.5, "0,500"),
    ],
)
def test_the_same_number_in_another_format(expected, actual):
    assert rescued_by(expected, actual) == rescued_by(actual, expected) == "number_format"


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (19, "19%"),
        (0.19, "19%"),
        ("$9", "€9"),
        (9, "9 kg"),
        (9, "-9 EUR"),
        (500, "0,500"),
        ("1.5", "15"),
        ("1,5", "15"),
        (1234, "12,34"),
        (5, "5 €€"),
        (True, "true"),
        (1, "1 of 1"),
        (None, ""),
        (1, 2),
        (1, None),
        (1, "9" * 100 + " EUR"),
    ],
)
def test_another_number_is_no_matter_of_format(expected, actual):
    assert rescued_by(expected, actual) is None
    assert rescued_by(actual, expected) is None


@pytest.mark.parametrize(
    "written",
    [
        "31.12.2025",
        "31.12.25",
        "12/31/2025",
        "31/12/2025",
        "31-12-2025",
        "2025/12/31",
        "2025.12.31",
        "20251231",
        "31 Dec 2025",
        "31. Dezember 2025",
        "31-DEC-2025",
        "31 de diciembre de 2025",
        "31 décembre 2025",
        "December 31, 2025",
        "Dec. 31st 2025",
        "Wednesday, 31 December 2025",
        "2025-12-31T00:00:00",
        "2025-12-31T00:00:00.000Z",
        "2025-12-31 00:00",
        "2025-12-31T00:00:00+01:00",
        "12/31/2025 00:00:00",
    ],
)
def test_the_same_day_written_differently(written):
    assert rescued_by("2025-12-31", written) == rescued_by(written, "2025-12-31") == "date_format"


@pytest.mark.parametrize(
    ("expected", "actual", "rescue"),
    [
        ("2025-04-03", "03/04/2025", "date_format_ambiguous"),
        ("2025-03-04", "03/04/2025", "date_format_ambiguous"),
        ("03/04/2025", "04/03/2025", "date_format_ambiguous"),
        ("2025-04-03", "03.04.2025", "date_format"),
        ("2025-03-04", "03.04.2025", None),
        ("2025-05-05", "05/05/2025", "date_format"),
        ("03/04/2025", "3/4/2025", "date_format"),
        ("03/04/2025", "03-04-2025", "date_format"),
        ("2025-12-31", "2025-12-30", None),
        ("2025-12-31", "2025-12-31T14:05:00", None),
        ("2025-12-31", "30 Dec 2025", None),
        ("2025-02-29", "29.02.2025", None),
        ("2025-12-31", "31 Foo 2025", None),
        ("2025-03-01", "1 ma 2025", None),
        ("1999-01-02", "02.01.99", "date_format"),
    ],
)
def test_day_and_month_that_may_be_either_are_said_to_be_ambiguous(expected, actual, rescue):
    assert rescued_by(expected, actual) == rescued_by(actual, expected) == rescue


@pytest.mark.parametrize(
    ("expected", "actual", "rescue"),
    [
        ("Smith, John", "Smith John", "punctuation"),
        ("O\u2019Neill", "o'neill", "punctuation"),
        ("A\u2013B", "A-B", "punctuation"),
        ("Well-known Ltd.", "Well known Ltd", "punctuation"),
        ("INV-2025-001", "INV2025001", "punctuation"),
        ('"Tea"', "tea", "punctuation"),
        ("`x`", "x", "punctuation"),
        ("...", "!!!", None),
        ("Tea", "Te a", None),
        ("-5 kg", "5 kg", None),
        ("Tea", "Jam", None),
        ("50% off", "50 off", None),
        ("a+b", "ab", None),
        ("x" * 3000 + ".", "x" * 3000, None),
    ],
)
def test_texts_that_differ_in_punctuation(expected, actual, rescue):
    assert rescued_by(expected, actual) == rescued_by(actual, expected) == rescue


@pytest.mark.parametrize(
    ("expected", "actual"), [("Tea", "TEA"), ("1,5 L", "1,5  l"), (9, "9.0"), ("1.0", "1")]
)
def test_relaxed_comes_first(expected, actual):
    assert rescued_by(expected, actual) == "relaxed"


def test_numbers_of_any_size_are_looked_at():
    assert rescued_by(1, parse_answer("1e999999999")) is None
    assert rescued_by("1", parse_answer("1" * 100_000)) is None
    assert rescued_by("1.5 EUR", parse_answer("15e-1")) == "number_format"
