"""Bodies of requests are small, one JSON value, and say each thing once; all else is a 422 or a 413."""

import json
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from modelpick_shared.http import Problem

MAX_BODY_BYTES = 512 * 1024


class StrictBody(APIRoute):
    """A route that looks at the body before it is read as what the route takes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def look_and_handle(request: Request) -> Response:
            body = await _small_body(request)
            if body:
                _refuse_ambiguous(body)
            # Where FastAPI keeps what it has read: the stream is at its end.
            request._body = body  # noqa: SLF001
            return await handle(request)

        return look_and_handle


async def _small_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {MAX_BODY_BYTES} bytes are accepted."
            )
    return bytes(body)


def _refuse_ambiguous(body: bytes) -> None:
    try:
        json.loads(body, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise _does_not_fit("The JSON is nested too deeply.") from None
    except UnicodeDecodeError:
        raise _does_not_fit("The text is not UTF-8.") from None
    except ValueError as error:
        raise _does_not_fit(str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("A key is given twice.")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON.")


def _does_not_fit(detail: str) -> Problem:
    return Problem(422, "The request does not fit.", errors=[{"pointer": "", "detail": detail}])
