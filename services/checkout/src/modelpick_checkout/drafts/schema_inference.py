"""A JSON Schema from examples: what all of them have in common, no more.

Unlike genson's, its objects are closed, its properties keep their order, and dates are told from texts.
"""

from collections.abc import Sequence

from pydantic import JsonValue

from modelpick_checkout.drafts.formats import is_date, is_date_time

_TYPE_NAMES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
# Strict structured output wants a type everywhere, so the items of lists that are all empty need one, too.
_ANY_PLAIN = ("string", "number", "boolean", "null")


def infer_schema(examples: Sequence[JsonValue]) -> dict[str, JsonValue]:
    """Return a schema that every example fits; needs at least one.

    Properties stand in the order of their first appearance, and those that every object has are required. An
    integer in one example and a fraction in another make a number. Texts that are all dates, or all moments,
    have that format; no value is taken for the only one allowed. Depth is bounded by the examples' own.
    """
    kinds = _kinds(examples)
    schema: dict[str, JsonValue] = {"type": kinds[0] if len(kinds) == 1 else list[JsonValue](kinds)}
    if name := _format([example for example in examples if isinstance(example, str)]):
        schema["format"] = name
    if objects := [example for example in examples if isinstance(example, dict)]:
        schema |= _of_objects(objects)
    if lists := [example for example in examples if isinstance(example, list)]:
        items = [item for each in lists for item in each]
        schema["items"] = infer_schema(items) if items else {"type": list[JsonValue](_ANY_PLAIN)}
    return schema


def _format(texts: Sequence[str]) -> str | None:
    if texts and all(is_date(text) for text in texts):
        return "date"
    if texts and all(is_date_time(text) for text in texts):
        return "date-time"
    return None


def _of_objects(objects: Sequence[dict[str, JsonValue]]) -> dict[str, JsonValue]:
    names = list(dict.fromkeys(name for item in objects for name in item))
    values = {name: [item[name] for item in objects if name in item] for name in names}
    required: list[JsonValue] = [name for name in names if all(name in item for item in objects)]
    return {
        "properties": {name: infer_schema(given) for name, given in values.items()},
        "required": required,
        "additionalProperties": False,
    }


def _kinds(examples: Sequence[JsonValue]) -> list[str]:
    """Return the types that occur, null last."""
    kinds = dict.fromkeys(_TYPE_NAMES[type(example)] for example in examples)
    if "number" in kinds:
        kinds.pop("integer", None)
    return sorted(kinds, key=lambda kind: kind == "null")
