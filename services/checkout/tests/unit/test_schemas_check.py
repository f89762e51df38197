import asyncio
import json
import socket
import threading
import time
from uuid import uuid4

import pytest

from modelpick_checkout.drafts.schema_check import MAX_PROBLEMS, SchemaCheck, check
from modelpick_shared.testing import eventually

RECEIPT = {
    "type": "object",
    "properties": {
        "total": {"type": "number", "minimum": 0},
        "day": {"type": ["string", "null"], "format": "date"},
        "kind": {"enum": ["sale", "refund"]},
        "number": {"type": "string", "pattern": r"^\d{4}$"},
        "lines": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
    },
    "required": ["total"],
    "additionalProperties": False,
}
# Slow machines run these tests as well; without its limits each of the schemas below takes minutes or longer.
PATIENCE_S = 20


def problems_of(schema, *documents):
    return [(problem.pointer, problem.detail) for problem in check(schema, dict(enumerate(documents)))]


def test_what_fits_has_no_problem():
    fits = {"total": 1.5, "day": "2026-03-31", "kind": "sale", "number": "0042", "lines": ["a", "b"]}
    assert problems_of(RECEIPT, fits, {"total": 0, "day": None}) == []


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"total": "12"}, "/total", "This must be a number, but is text."),
        ({"total": True}, "/total", "This must be a number, but is true or false."),
        ({"total": -1}, "/total", "This number must be at least 0."),
        ({"day": "31.03.2026"}, "/day", 'This text is not of the format "date".'),
        ({"day": 5}, "/day", "This must be text or null, but is a number."),
        ({"kind": "gift"}, "/kind", 'This must be one of: "sale", "refund".'),
        ({"number": "42"}, "/number", 'This text does not match the pattern "^\\\\d{4}$".'),
        ({"lines": ["a", 5]}, "/lines/1", "This must be text, but is a number."),
        ({"lines": ["a"] * 3}, "/lines", "This list must have at most 2 items."),
        ({"a/b~c": 1}, "/a~1b~0c", "The schema does not know this key."),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(change, pointer, detail):
    found = problems_of(RECEIPT, {"total": 1}, {"total": 1} | change)
    assert found == [(f"/images/1/expected_json{pointer}", detail)]


def test_what_is_missing_is_told_where_it_should_be():
    assert problems_of(RECEIPT, {}) == [("/images/0/expected_json", 'The key "total" is missing.')]


def test_images_keep_their_place_when_others_have_no_expected_json_yet():
    assert check(RECEIPT, {3: []})[0].pointer == "/images/3/expected_json"


@pytest.mark.parametrize(
    ("schema", "pointer", "detail"),
    [
        ({"type": "strnig"}, "/json_schema/type", "This is no type of JSON Schema."),
        ({"properties": {"a": 5}}, "/json_schema/properties/a", "This must be an object"),
        ({"minimum": "x"}, "/json_schema/minimum", "This must be a number, but is text."),
        ({"pattern": "(?=a)b"}, "/json_schema/pattern", "look-ahead"),
        ({"pattern": r"(a)\1"}, "/json_schema/pattern", "back-references"),
        ({"pattern": "("}, "/json_schema/pattern", "The pattern is no regular expression."),
        ({"pattern": "(?:a{1000}){1000}"}, "/json_schema/pattern", "The pattern is too large."),
        ({"patternProperties": {"[": {}}}, "/json_schema/patternProperties", ""),
        ({"$schema": 5}, "/json_schema/$schema", "This must be text, but is a number."),
    ],
)
def test_what_is_no_schema_is_told_once_and_nothing_is_held_against_it(schema, pointer, detail):
    found = problems_of(schema, {"a": 1})
    assert [place for place, _ in found] == [pointer]
    assert detail in found[0][1]


@pytest.mark.parametrize(
    ("schema", "document", "detail"),
    [
        ({"$ref": "#/nowhere"}, 1, "leads nowhere"),
        ({"$ref": "#"}, 1, "nested too deeply"),
        ({"$ref": "#/x", "x": 5}, 1, "cannot be applied"),
        ({"$ref": "#/x", "x": {"type": 5}}, 1, "cannot be applied"),
        ({"multipleOf": 0.1}, 10**400, "cannot be applied"),
        ({"$ref": "#/x", "x": {"pattern": "("}}, "a", "no regular expression"),
        ({"unevaluatedProperties": False}, {}, "unevaluatedProperties is not supported"),
        ({"unevaluatedItems": False}, [], "unevaluatedItems is not supported"),
    ],
)
def test_a_schema_that_cannot_be_applied_is_a_problem_of_the_schema(schema, document, detail):
    ((pointer, found),) = problems_of(schema, document)
    assert pointer == "/json_schema"
    assert detail in found


def test_a_schema_of_another_draft_is_read_as_one_of_2020_12():
    assert problems_of({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}, {}) == []


def test_nothing_is_fetched():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        ((pointer, detail),) = problems_of({"$ref": address}, {"a": 1})
        with pytest.raises(BlockingIOError):
            server.accept()
    assert pointer == "/json_schema"
    assert "leads nowhere" in detail


def test_problems_are_few_and_short_however_much_is_wrong():
    long = {"x" * 5000: 1, **{str(number): "y" * 5000 for number in range(10)}}
    schema = {"additionalProperties": {"type": "object", "enum": ["z" * 5000] * 3}}
    found = problems_of(schema, *[long] * 10)
    assert len(found) == 10 * MAX_PROBLEMS
    assert max(len(pointer) + len(detail) for pointer, detail in found) < 1000


def doubling(keyword):
    """Return a schema that is evaluated 2 ** 60 times."""
    steps = {f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(60)}
    return {"$defs": steps | {"d60": {"type": "null"}}, "$ref": "#/$defs/d0"}


def in_a_foreign_draft(schema):
    """Return a schema that says of its inner part that another validator is to judge it."""
    inner = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    return {"$ref": "#/$defs/inner", "$defs": {"inner": inner}}


WIDE = {"a": ["x" * 1000] * 60}
HOSTILE = {
    "doubling allOf": (doubling("allOf"), None),
    "doubling anyOf": (doubling("anyOf"), WIDE),
    "doubling oneOf": (doubling("oneOf"), WIDE),
    "names": (
        {
            "$defs": {"x": {"$anchor": "x"}, **{f"y{i}": {} for i in range(2000)}},
            "items": {"$ref": "#x"},
        },
        list(range(20_000)),
    ),
    "many items": ({"allOf": [{"items": {}}] * 3000}, [1] * 30_000),
    "long messages": ({"anyOf": [{"allOf": [{"type": "string"}] * 3000}, True]}, WIDE),
    "large enum": ({"items": {"enum": list(range(9000))}}, list(range(9000, 18_000))),
    "equal lists": ({"uniqueItems": True}, [[] for _ in range(20_000)]),
    "patterns": ({"allOf": [{"pattern": f"\\p{{L}}{{{i}}}"} for i in range(10, 30)] * 50}, "a" * 60_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_schema_made_to_be_slow_ends_soon(name):
    schema, document = HOSTILE[name]
    started = time.monotonic()
    check(schema, {0: document})
    assert time.monotonic() - started < PATIENCE_S


def test_what_takes_too_long_says_so_each_time():
    for _ in range(2):
        assert problems_of(doubling("allOf"), None) == [
            ("/json_schema", "This schema takes too long to check. Please make it simpler.")
        ]


@pytest.mark.parametrize("wrap", [lambda schema: schema, in_a_foreign_draft], ids=["plain", "foreign"])
@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|a)*$", "(.*)*x", r"^(\w+\s?)*$", "(a|aa)+$"])
def test_patterns_do_not_backtrack(pattern, wrap):
    text = "a" * 60_000 + "!"
    started = time.monotonic()
    assert problems_of(wrap({"pattern": pattern}), text)
    assert problems_of(wrap({"patternProperties": {pattern: False}}), {text: 1}) == []
    assert problems_of(wrap({"patternProperties": {pattern: {}}, "additionalProperties": False}), {text: 1})
    assert time.monotonic() - started < PATIENCE_S


def test_a_schema_and_ten_documents_at_their_limits_are_checked():
    line = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": ["integer", "null"]}}}
    names = {f"field_{number}": line for number in range(590)}
    schema = {"type": "object", "properties": names | {"lines": {"type": "array", "items": line}}}
    lines = [{"a": "Text", "b": number} for number in range(2400)]
    assert 60_000 < len(json.dumps(schema)) < 65_536
    assert 60_000 < len(json.dumps({"lines": lines})) < 75_000
    assert problems_of(schema, *[{"lines": lines}] * 10) == []


def test_equal_is_what_json_schema_calls_equal():
    assert problems_of({"uniqueItems": True}, [1, True, "1", [1], [True], {"a": 1}, {"a": "1"}]) == []
    for twice in ([1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], [[[]], [[]]]):
        assert problems_of({"uniqueItems": True}, twice)


async def test_what_was_found_is_remembered():
    schema_check = SchemaCheck()
    await schema_check.prepare(uuid4(), RECEIPT, {0: {}})
    first = schema_check.problems(RECEIPT, {0: {}})
    assert schema_check.problems(RECEIPT, {0: {}}) is first
    assert schema_check.problems(RECEIPT, {1: {}}) != first
    assert schema_check.problems(RECEIPT, {0: {"total": 1}}) == []


class HeldUp(SchemaCheck):
    """Begins checks, and ends none before it is told to."""

    def __init__(self):
        super().__init__()
        self.begun = []
        self.may_end = threading.Event()

    def problems(self, schema, expected):
        self.begun.append(schema["title"])
        self.may_end.wait()
        return super().problems(schema, expected)


async def test_who_has_many_schemas_lets_others_pass():
    schema_check, busy, other = HeldUp(), uuid4(), uuid4()
    many = [
        asyncio.create_task(schema_check.prepare(busy, {"title": str(number)}, {})) for number in range(5)
    ]
    one = asyncio.create_task(schema_check.prepare(other, {"title": "other"}, {}))
    try:
        await eventually(lambda: len(schema_check.begun) == 2)
        assert sorted(schema_check.begun) == ["0", "other"]
    finally:
        schema_check.may_end.set()
        await asyncio.gather(*many, one)
    assert len(schema_check.begun) == 6
