"""Whether a draft's schema makes sense, and each expected JSON fits it."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from threading import Lock
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from jsonschema import ValidationError
from pydantic import JsonValue
from referencing.exceptions import Unresolvable

from modelpick_checkout.drafts.effort import Effort, TooMuchEffortError
from modelpick_checkout.drafts.limited_validator import (
    UnsupportedKeywordError,
    document_errors,
    schema_errors,
)
from modelpick_checkout.drafts.patterns import UnusablePatternError
from modelpick_checkout.drafts.schemas import DraftProblem
from modelpick_checkout.drafts.sentences import schema_sentence, sentence

log = structlog.get_logger()

MAX_PROBLEMS = 10
# A schema and ten expected JSONs at their limits of 64 KiB take a third and a half of this, some hundred
# milliseconds each. What is made to be slow is given up after about two seconds.
SCHEMA_STEPS = 500_000
DOCUMENT_STEPS = 600_000
_PARTS_OF_META_SCHEMA = 8
_REMEMBERED = 1024
_AT_ONCE = 2
_POINTER_CHARACTERS = 500
_SCHEMA = "/json_schema"


class SchemaCheck:
    """Checks drafts' schemas and remembers what it found, as a draft is looked at again and again."""

    def __init__(self) -> None:
        self._found: dict[bytes, list[DraftProblem]] = {}
        self._lock = Lock()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._turns = WeakValueDictionary[UUID, asyncio.Lock]()

    def problems(self, schema: dict[str, JsonValue], expected: Mapping[int, JsonValue]) -> list[DraftProblem]:
        """Return what `check` finds, at once if it was looked for before."""
        key = _key(schema, expected)
        found = self._found.get(key)
        if found is None:
            found = check(schema, expected)
            self._remember(key, found)
        return found

    def _remember(self, key: bytes, found: list[DraftProblem]) -> None:
        with self._lock:
            self._found[key] = found
            if len(self._found) > _REMEMBERED:
                del self._found[next(iter(self._found))]

    def knows(self, schema: dict[str, JsonValue], expected: Mapping[int, JsonValue]) -> bool:
        """Say whether `problems` answers at once."""
        return _key(schema, expected) in self._found

    async def prepare(
        self, user_id: UUID, schema: dict[str, JsonValue], expected: Mapping[int, JsonValue]
    ) -> None:
        """Let `problems` answer at once, by looking for them in a thread: a hostile schema takes seconds.

        A customer has one at a time, so that whoever has many of them lets others pass.
        """
        if self.knows(schema, expected):
            return
        async with self._turns.setdefault(user_id, asyncio.Lock()), self._slots:
            await asyncio.to_thread(self.problems, schema, expected)


def check(schema: dict[str, JsonValue], expected: Mapping[int, JsonValue]) -> list[DraftProblem]:
    """Return what is wrong with a schema, or else where the expected JSONs, by image, do not fit it.

    Bounded in time and number, whatever the schema, and the same each time; nothing is fetched.
    """
    problems: list[DraftProblem] = []
    try:
        problems += _of_schema(schema)
        if not problems:
            effort = Effort(DOCUMENT_STEPS)
            for index, document in expected.items():
                problems += _of_document(schema, index, document, effort)
    except Exception as error:  # noqa: BLE001 - a stranger's schema makes jsonschema raise all kinds of errors
        problems.append(DraftProblem(pointer=_SCHEMA, detail=_why_not(error)))
    return problems


def _of_schema(schema: dict[str, JsonValue]) -> Iterator[DraftProblem]:
    # The schema of schemas has several parts, each of which finds the same fault.
    errors = islice(schema_errors(schema, Effort(SCHEMA_STEPS)), MAX_PROBLEMS * _PARTS_OF_META_SCHEMA)
    found = dict.fromkeys((_pointer(_SCHEMA, error), schema_sentence(error)) for error in errors)
    for pointer, detail in islice(found, MAX_PROBLEMS):
        yield DraftProblem(pointer=pointer, detail=detail)


def _of_document(
    schema: dict[str, Any], index: int, document: JsonValue, effort: Effort
) -> Iterator[DraftProblem]:
    for error in islice(document_errors(schema, document, effort), MAX_PROBLEMS):
        pointer = _pointer(f"/images/{index}/expected_json", error)
        yield DraftProblem(pointer=pointer, detail=sentence(error))


def _pointer(beginning: str, error: ValidationError) -> str:
    """Return a JSON pointer (RFC 6901) to an error, or to what is around it when that would be very long."""
    pointer = beginning
    for part in error.absolute_path:
        longer = f"{pointer}/{str(part).replace('~', '~0').replace('/', '~1')}"
        if len(longer) > _POINTER_CHARACTERS:
            break
        pointer = longer
    return pointer


def _why_not(error: Exception) -> str:
    if isinstance(error, TooMuchEffortError):
        return "This schema takes too long to check. Please make it simpler."
    if isinstance(error, RecursionError):
        return "This schema is nested too deeply, or refers to itself without end."
    if isinstance(error, Unresolvable):
        return "A $ref in this schema leads nowhere. Only references within the schema are followed."
    if isinstance(error, UnsupportedKeywordError):
        return f"The keyword {error} is not supported."
    if isinstance(error, UnusablePatternError):
        return str(error)
    log.info("schema.not_applied", reason=type(error).__name__)
    return "This schema cannot be applied: a $ref leads to what is no schema, or a number is too large."


def _key(schema: dict[str, JsonValue], expected: Mapping[int, JsonValue]) -> bytes:
    return sha256(json.dumps([schema, list(expected.items())]).encode()).digest()
