import pytest

from modelpick_checkout.drafts.patterns import MAX_SIZE, Pattern, UnusablePatternError, size_of


@pytest.mark.parametrize(
    ("pattern", "text", "occurs"),
    [
        (r"^\d+$", "2026", True),
        (r"^\d+$", "٢٠٢٦", False),
        (r"^\w+$", "Ab_9", True),
        (r"^\w+$", "é", False),
        (r"^\W$", "é", True),
        (r"^\D$", "5", False),
        (r"^[\d\-]+$", "20-26", True),
        (r"^[^\d]$", "x", True),
        (r"^\p{L}+$", "é", True),
        (r"\\d", "\\d", True),
        ("b", "abc", True),
        ("^b", "abc", False),
        ("a$", "a\n", False),
        (r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$", "DE89370400440532013000", True),
        (r"^[^@\s]+@[^@\s]+\.[a-z]+$", "ada@example.com", True),
    ],
)
def test_patterns_mean_what_json_schema_says(pattern, text, occurs):
    assert Pattern(pattern).occurs_in(text) is occurs


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("abc", 3),
        ("a{4}", 4),
        ("a{2,5}b", 6),
        ("(ab){10}", 20),
        ("((ab){10}c){10}", 210),
        (r"[\]}{9}]{3}", 3),
        (r"\{5}", 3),
        (r"\p{L}{2}", 120),
        ("a+b*", 2),
        (")", 1),
        ("{3}", 0),
    ],
)
def test_counted_repeats_make_a_pattern_large(pattern, size):
    assert size_of(pattern) == size


@pytest.mark.parametrize("pattern", [f"a{{{MAX_SIZE + 1}}}", "(a{99}){99}", r"\p{L}{99999}", "x" * 3000])
def test_what_would_take_long_to_read_is_refused(pattern):
    with pytest.raises(UnusablePatternError, match="too large"):
        Pattern(pattern)
