"""Patterns of customers, matched in linear time: `(a+)+$` must not stop the service."""

import re

from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_SIZE = 2000
# `\p{L}` stands for some hundred ranges of characters.
_PROPERTY_SIZE = 60
_TOKEN = re.compile(
    r"\\[pP]\{[^{}]*+\}|\\.|(?P<set>\[(?:\\.|[^\]\\])++\])"
    r"|(?P<repeat>\{(?P<least>\d{1,6})(?:,(?P<most>\d{0,6}))?\})|.",
    re.DOTALL,
)
# ECMA-262, whose patterns JSON Schema means, knows these as ASCII alone.
_CLASSES = {r"\d": "0-9", r"\w": "0-9A-Za-z_"}
_SHORTHAND = re.compile(r"\\(?:[dw]|.)", re.DOTALL)


class UnusablePatternError(ValueError):
    """A pattern is no regular expression, or one that only backtracking could match."""


class Pattern:
    """A pattern that is matched in a time linear in the text and in the pattern's `size`.

    `size` is how many characters the pattern stands for once its counted repeats are written out; reading it
    takes a time linear in that. Raises UnusablePatternError.
    """

    def __init__(self, text: str) -> None:
        self.size = size_of(text)
        if self.size > MAX_SIZE:
            raise UnusablePatternError("The pattern is too large.")
        # pydantic brings Rust's engine, which never backtracks; Python's holds every thread while it does.
        schema = core_schema.str_schema(pattern=_plain(text), regex_engine="rust-regex")
        try:
            self._engine = SchemaValidator(schema)
        except SchemaError as error:
            raise UnusablePatternError(_reason(str(error))) from None

    def occurs_in(self, text: str) -> bool:
        return self._engine.isinstance_python(text)


def size_of(pattern: str) -> int:
    """Return the size of a pattern without reading it further."""
    groups, last = [0], 0
    for token in _TOKEN.finditer(pattern):
        if token["repeat"]:
            times = int(token["most"] or token["least"])
            groups[-1] += last * max(times - 1, 0)
            last *= times
        elif token[0] == "(":
            groups.append(0)
        elif token[0] == ")" and len(groups) > 1:
            last = groups.pop()
            groups[-1] += last
        elif token[0] not in "*+?":
            last = _token_size(token)
            groups[-1] += last
    return sum(groups)


def _token_size(token: re.Match[str]) -> int:
    properties = len(re.findall(r"\\[pP]", token[0]))
    return properties * _PROPERTY_SIZE or 1


def _plain(pattern: str) -> str:
    """Return the pattern with its shorthands for digits and for word characters written out."""
    return _TOKEN.sub(_plain_token, pattern)


def _plain_token(token: re.Match[str]) -> str:
    if token["set"]:
        return _SHORTHAND.sub(lambda found: _CLASSES.get(found[0], found[0]), token[0])
    if token[0].lower() in _CLASSES:
        negation = "" if token[0].islower() else "^"
        return f"[{negation}{_CLASSES[token[0].lower()]}]"
    return token[0]


def _reason(message: str) -> str:
    if "look-around" in message:
        return "Patterns with look-ahead or look-behind are not supported."
    if "backreferences" in message:
        return "Patterns with back-references are not supported."
    if "size limit" in message:
        return "The pattern is too large."
    return "The pattern is no regular expression."
