"""Errors as RFC 9457 problem documents (`application/problem+json`)."""

import json
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from modelpick_shared.errors import TransientError

log = structlog.get_logger()


class Problem(Exception):  # noqa: N818 - named after the document that it becomes
    """Answer a request with a problem document.

    `errors` lists `{pointer, detail}` of the parts of the body that are wrong.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers


class ProblemResponse(JSONResponse):
    """A problem document, in ASCII: it may quote what a customer sent, which not every encoding can say."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode("ascii")


def not_found() -> Problem:
    """Return the one 404 for what is not there and for what belongs to somebody else."""
    return Problem(HTTPStatus.NOT_FOUND, "There is nothing here, or it is not yours.")


def problem_response(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Build the problem document for `request`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    if errors is not None:
        body["errors"] = errors
    return ProblemResponse(body, status_code=status, headers=headers)


def route_of(scope: Scope) -> str:
    """Return the template of the request's route; addresses themselves hold ids and tokens."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


def install(app: FastAPI) -> None:
    """Make every error that is raised on purpose a problem document; `Telemetry` answers the others."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(TransientError, _on_transient)


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - narrows the type that Starlette does not know
    return problem_response(request, error.status, error.detail, errors=error.errors, headers=error.headers)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    headers = dict(error.headers) if error.headers else None
    return problem_response(request, error.status_code, str(error.detail), headers=headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    errors = [{"pointer": _pointer(item["loc"]), "detail": _sentence(item)} for item in error.errors()]
    return problem_response(request, 422, "The request does not fit.", errors=errors)


async def _on_transient(request: Request, error: Exception) -> JSONResponse:
    log.warning("request.unavailable", route=route_of(request.scope), reason=str(error))
    return problem_response(request, 503, "Please try again in a moment.", headers={"Retry-After": "2"})


def answer_bug(request: Request, error: Exception) -> JSONResponse:
    """Log a failure that nobody foresaw, and return what the customer is told of it."""
    log.error("request.failed", route=route_of(request.scope), exc_info=error)
    return problem_response(request, 500, "Something went wrong on our side.")


def _sentence(item: dict[str, Any]) -> str:
    """Return what pydantic found wrong, without its names for errors and for our classes."""
    if item["type"] == "model_type":
        return "This must be an object."
    return str(item["msg"]).removeprefix("Value error, ")


def _pointer(location: tuple[Any, ...]) -> str:
    """Return a JSON pointer (RFC 6901) into the body, or the parameter's name."""
    parts = location[1:] if location and location[0] in {"body", "query", "path", "header"} else location
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
