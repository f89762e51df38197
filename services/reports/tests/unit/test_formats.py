from decimal import Decimal

import pytest

from modelpick_reports.formats import breakable, end_of, interval, percent, price, printable, shortened


@pytest.mark.parametrize(
    ("rate", "places", "shown"),
    [
        *((None, 1, "\N{EN DASH}"), (1.0, 1, "100.0"), (0.0, 1, "0.0"), (0.5, 0, "50"), (0.86667, 1, "86.7")),
        *((0.9999, 1, "99.9"), (0.0001, 1, "0.1"), (0.999, 0, "99"), (0.001, 0, "1")),
    ],
)
def test_only_all_and_nothing_read_so(rate, places, shown):
    assert percent(rate, places) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        *(
            (None, "\N{EN DASH}"),
            (Decimal(0), "free"),
            (Decimal("0.0004"), "< $0.01"),
            (Decimal("7.5"), "$7.50"),
        ),
        *((Decimal("120.4"), "$120"), (Decimal("1234.5"), "$1,234")),
    ],
)
def test_prices_have_the_places_that_matter(amount, shown):
    assert price(amount) == shown


def test_intervals_are_in_whole_per_cent():
    assert interval((0.7234, 1.0)) == "72\N{EN DASH}100"
    assert interval(None) == "\N{EN DASH}"


def test_what_no_page_shows_is_replaced():
    assert printable("a\0b\u202ec\ud800d\ne") == "a\ufffdb\ufffdc\ufffdd\ne"


def test_long_texts_are_cut_and_wide_letters_count_twice():
    assert shortened("  abc\n def ", 7) == "abc def"
    assert shortened("abcdef", 4) == "abc\u2026"
    assert shortened("\u65e5\u672c\u8a9e\u65e5", 6) == "\u65e5\u672c\u2026"
    assert end_of("line_items[].price", 8) == "\u2026].price"


def test_long_words_may_break():
    assert breakable("x" * 40, 60) == f"{'x' * 18}\u200b{'x' * 18}\u200bxxxx"
    assert breakable("vendor/model-name-instruct", 60) == "vendor/\u200bmodel-\u200bname-\u200binstruct"
    assert breakable("short enough", 60) == "short enough"
