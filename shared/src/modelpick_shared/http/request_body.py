"""JSON bodies of requests, read strictly and never larger than they may be."""

from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from modelpick_shared.http.problems import Problem
from modelpick_shared.http.strict_json import InvalidJsonError, parse_json

_KIB = 1024

# A prompt, a schema and an expected JSON at their limits, with every character escaped, stay below.
MAX_BODY_BYTES = 512 * _KIB
# A schema of data that is 32 levels deep has two levels for each, and the body is one more.
MAX_BODY_LEVELS = 100
MAX_FORM_BYTES = 4 * _KIB

B = TypeVar("B", bound=BaseModel)


def json_body(model: type[B]) -> Callable[[Request], Awaitable[B]]:
    """Return a dependency that reads the request's body as `model`; an empty body is an empty object."""

    async def read(request: Request) -> B:
        raw = b"".join([chunk async for chunk in limited(request, MAX_BODY_BYTES)])
        try:
            value = parse_json(raw or b"{}", max_bytes=MAX_BODY_BYTES, max_levels=MAX_BODY_LEVELS)
            return model.model_validate(value)
        except InvalidJsonError as error:
            raise does_not_fit(error.detail, error.pointer) from error
        except ValidationError as error:
            raise _as_request_error(error) from error

    return read


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """Return what a route whose body `json_body` reads adds to its OpenAPI description.

    What the body is made of has to be described by an answer of the service as well.
    """
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


async def small_form(request: Request) -> dict[str, str]:
    """Read the fields of a page's form, the first of each name."""
    raw = b"".join([chunk async for chunk in limited(request, MAX_FORM_BYTES)])
    fields = parse_qs(raw.decode(errors="replace"))
    return {name: values[0] for name, values in fields.items()}


async def limited(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """Stream the body, and answer 413 once it is longer than `max_bytes`."""
    taken_bytes = 0
    async for chunk in request.stream():
        taken_bytes += len(chunk)
        if taken_bytes > max_bytes:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {max_bytes} bytes are accepted.")
        yield chunk


def does_not_fit(detail: str, pointer: str) -> Problem:
    """Return the 422 for one part of the body."""
    return Problem(422, "The request does not fit.", errors=[{"pointer": pointer, "detail": detail}])


def _as_request_error(error: ValidationError) -> RequestValidationError:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return RequestValidationError([{**problem, "loc": ("body", *problem["loc"])} for problem in problems])
