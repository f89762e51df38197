"""What jsonschema finds, said in one short sentence that never repeats more than a little of the data."""

import json
from collections.abc import Callable
from typing import Any

from jsonschema import ValidationError

from modelpick_checkout.drafts.patterns import Pattern, UnusablePatternError

_SHOWN_CHARACTERS = 60
_SHOWN_VALUES = 5
_TYPE_NAMES = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "an object",
}
_PLAIN = {
    "additionalProperties": "The schema does not know this key.",
    "uniqueItems": "The items of this list must differ from each other.",
    "anyOf": "This fits none of the alternatives in the schema.",
    "oneOf": "This must fit exactly one of the alternatives in the schema.",
    "not": "The schema excludes this value.",
    "contains": "This list holds too few or too many items of the kind that the schema asks for.",
    "dependentRequired": "A key is missing that the schema asks for beside the others.",
    "multipleOf": "This number is not a multiple of what the schema asks for.",
}
_LIMITS = {
    "minimum": "This number must be at least {}.",
    "maximum": "This number must be at most {}.",
    "exclusiveMinimum": "This number must be greater than {}.",
    "exclusiveMaximum": "This number must be less than {}.",
    "minLength": "This text must have at least {} characters.",
    "maxLength": "This text must have at most {} characters.",
    "minItems": "This list must have at least {} items.",
    "maxItems": "This list must have at most {} items.",
    "minProperties": "This object must have at least {} keys.",
    "maxProperties": "This object must have at most {} keys.",
    "pattern": "This text does not match the pattern {}.",
    "format": "This text is not of the format {}.",
    "const": "This must be {}.",
}


def sentence(error: ValidationError) -> str:
    """Say what is wrong at the error's place in a document."""
    keyword, value = str(error.validator), error.validator_value
    if keyword in _LIMITS:
        return _LIMITS[keyword].format(_shown(value))
    if keyword in _SPELT_OUT:
        return _SPELT_OUT[keyword](error)
    # A schema of `false` has no keyword.
    return _PLAIN.get(keyword, "The schema allows no value here.")


def schema_sentence(error: ValidationError) -> str:
    """Say what is wrong at the error's place in a schema."""
    if error.validator == "format" and error.validator_value == "regex":
        try:
            Pattern(str(error.instance))
        except UnusablePatternError as reason:
            return str(reason)
    if error.validator == "anyOf" and error.absolute_path and error.absolute_path[-1] == "type":
        return f"This is no type of JSON Schema. There are: {', '.join(_TYPE_NAMES)}."
    return sentence(error)


def _type(error: ValidationError) -> str:
    types: Any = error.validator_value
    names = [_TYPE_NAMES.get(name, str(name)) for name in ([types] if isinstance(types, str) else types)]
    return f"This must be {' or '.join(names)}, but is {_kind(error.instance)}."


def _required(error: ValidationError) -> str:
    return f"The key {_shown(error.message)} is missing."


def _enum(error: ValidationError) -> str:
    values: Any = error.validator_value
    shown = ", ".join(_shown(value) for value in values[:_SHOWN_VALUES])
    more = ", and others" if len(values) > _SHOWN_VALUES else ""
    return f"This must be one of: {shown}{more}."


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return _TYPE_NAMES[kinds.get(type(value), "null")]


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "the value in the schema"
    text = json.dumps(
        value if not isinstance(value, str) else value[: _SHOWN_CHARACTERS + 1], ensure_ascii=False
    )
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


_SPELT_OUT: dict[str, Callable[[ValidationError], str]] = {
    "type": _type,
    "required": _required,
    "enum": _enum,
}
