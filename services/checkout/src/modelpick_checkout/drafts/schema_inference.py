"""A JSON Schema from examples: what all of them have in common, no more."""

from collections.abc import Sequence

from pydantic import JsonValue

_TYPE_NAMES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def infer_schema(examples: Sequence[JsonValue]) -> dict[str, JsonValue]:
    """Return a schema that every example fits; needs at least one.

    Properties stand in the order of their first appearance, and those that every object has are required. An
    integer in one example and a fraction in another make a number. Depth is bounded by the examples' own.
    """
    kinds = _kinds(examples)
    schema: dict[str, JsonValue] = {}
    if kinds:
        schema["type"] = kinds[0] if len(kinds) == 1 else list[JsonValue](kinds)
    if objects := [example for example in examples if isinstance(example, dict)]:
        schema |= _of_objects(objects)
    if lists := [example for example in examples if isinstance(example, list)]:
        schema["items"] = infer_schema([item for items in lists for item in items])
    return schema


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
