"""JSON Schema (draft 2020-12) for schemas of strangers: no network, no backtracking, no endless work."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing.jsonschema import EMPTY_REGISTRY

from modelpick_checkout.drafts.effort import Effort, current
from modelpick_checkout.drafts.formats import is_date, is_date_time, is_time
from modelpick_checkout.drafts.patterns import UnusablePatternError

Keyword = Callable[..., Iterator[ValidationError] | None]

_NAMING_KEYWORDS = ('"$id"', '"$anchor"', '"$dynamicAnchor"')
_STEPS_A_REFERENCE = 5
_CHARACTERS_A_STEP = 20
_PARTS_A_STEP = 2
_COMPARISONS_A_STEP = 500


class UnsupportedKeywordError(Exception):
    """A schema uses a keyword that is not evaluated here."""


def schema_errors(schema: dict[str, Any], effort: Effort) -> Iterator[ValidationError]:
    """Yield what is wrong with a schema itself. Raises TooMuchEffortError."""
    meta_schema = Draft202012Validator.META_SCHEMA
    yield from _errors(meta_schema, schema, effort, _META_FORMATS)


def document_errors(schema: dict[str, Any], document: Any, effort: Effort) -> Iterator[ValidationError]:
    """Yield where a document does not fit a valid schema.

    Raises TooMuchEffortError, UnsupportedKeywordError, UnusablePatternError, and what else jsonschema raises
    when a reference leads nowhere, or to something that is no schema.
    """
    text = json.dumps(schema)
    if any(keyword in text for keyword in _NAMING_KEYWORDS):
        # What has names is searched through whenever one is looked up.
        effort.steps_a_reference = effort.measure(schema)
    yield from _errors(schema, document, effort, _FORMATS)


def _errors(schema: Any, document: Any, effort: Effort, formats: FormatChecker) -> Iterator[ValidationError]:
    effort.measure(document)
    validator = _Limited(schema, registry=EMPTY_REGISTRY, format_checker=formats)
    token = current.set(effort)
    try:
        yield from validator.iter_errors(document)
    finally:
        current.reset(token)


def _charged(keyword: Keyword) -> Keyword:
    """Let every use of a keyword take its steps: for itself, its value and what it looks at."""

    def check(validator: Validator, value: Any, instance: Any, schema: Any) -> Any:
        effort = current.get()
        parts = sum(len(each) for each in (value, instance) if isinstance(each, dict | list))
        effort.spend(1 + effort.cost_of(instance) + parts // _PARTS_A_STEP)
        return keyword(validator, value, instance, schema)

    return check


def _pattern(_: Validator, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _matches(pattern, instance):
        yield ValidationError("pattern")


def _pattern_properties(
    validator: Any, patterns: dict[str, Any], instance: Any, _: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in patterns.items():
        for name, value in instance.items():
            if _matches(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, subschema: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[ValidationError]:
    """Descend into each property that no other keyword speaks of, so that each has its own error."""
    if not isinstance(instance, dict):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in instance.items():
        if name in named or any(_matches(pattern, name) for pattern in patterns):
            continue
        if subschema is False:
            yield ValidationError("additionalProperties", path=[name])
        else:
            yield from validator.descend(value, subschema, path=name)


def _required(_: Any, names: list[str], instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield ValidationError(name)


def _unique_items(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    if wanted is True and isinstance(instance, list):
        seen = {_comparable(item) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError("uniqueItems")


def _enum(validator: Any, values: list[Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    effort = current.get()
    effort.spend(len(values) * effort.cost_of(instance))
    yield from Draft202012Validator.VALIDATORS["enum"](validator, values, instance, schema)


def _dependent_required(
    validator: Any, names: dict[str, list[str]], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    current.get().spend(sum(len(each) for each in names.values()))
    yield from Draft202012Validator.VALIDATORS["dependentRequired"](validator, names, instance, schema)


def _reference(validator: Any, ref: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    effort = current.get()
    effort.spend(_STEPS_A_REFERENCE + effort.steps_a_reference + len(ref) // _CHARACTERS_A_STEP)
    yield from validator._validate_reference(ref=ref, instance=instance)  # noqa: SLF001 - as jsonschema does


def _unsupported(_: Any, __: Any, ___: Any, schema: dict[str, Any]) -> None:
    name = next(name for name in schema if name.startswith("unevaluated"))
    raise UnsupportedKeywordError(name)


def _matches(pattern: str, text: str) -> bool:
    effort = current.get()
    found = effort.pattern(pattern)
    effort.spend(len(text) * found.size // _COMPARISONS_A_STEP)
    return found.occurs_in(text)


def _comparable(value: Any) -> object:
    """Return something hashable that is equal for what JSON Schema calls equal: 1 and 1.0, not 1 and true."""
    if isinstance(value, dict):
        return "object", frozenset((name, _comparable(item)) for name, item in value.items())
    if isinstance(value, list):
        return "array", tuple(_comparable(item) for item in value)
    return type(value) is bool, value


def _is_pattern(value: object) -> bool:
    try:
        current.get().pattern(str(value))
    except UnusablePatternError:
        return False
    return True


def _format_checker(**checks: Callable[[object], bool]) -> FormatChecker:
    checker = FormatChecker(formats=("email", "ipv4", "ipv6", "uuid"))
    for name, check in checks.items():
        checker.checks(name.replace("_", "-"))(check)
    return checker


_FORMATS = _format_checker(date=is_date, time=is_time, date_time=is_date_time)
_META_FORMATS = _format_checker(regex=_is_pattern)
_OWN_KEYWORDS: dict[str, Keyword] = {
    "$ref": _reference,
    "$dynamicRef": _reference,
    "additionalProperties": _additional_properties,
    "dependentRequired": _dependent_required,
    "enum": _enum,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "required": _required,
    "unevaluatedItems": _unsupported,
    "unevaluatedProperties": _unsupported,
    "uniqueItems": _unique_items,
}
_KEYWORDS = {**Draft202012Validator.VALIDATORS, **_OWN_KEYWORDS}


def _evolve(validator: Any, **changes: Any) -> Any:
    """Return the validator for another schema. jsonschema's own takes the class that a `$schema` names."""
    kept = {
        "schema": validator.schema,
        "format_checker": validator.format_checker,
        "registry": validator._registry,  # noqa: SLF001 - as jsonschema does
        "_resolver": validator._resolver,  # noqa: SLF001 - as jsonschema does
    }
    return _Limited(**(kept | changes))


_Limited: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {name: _charged(keyword) for name, keyword in _KEYWORDS.items()}
)
_Limited.evolve = _evolve
