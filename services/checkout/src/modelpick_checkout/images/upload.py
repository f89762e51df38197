"""The multipart body of an upload, read as it streams in and never further than the limit."""

from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import NamedTuple

from fastapi import Request
from pydantic import JsonValue
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from modelpick_checkout.limits import KIB, MAX_EXPECTED_BYTES, MAX_IMAGE_BYTES, MIB
from modelpick_checkout.strict_json import parse_expected_json
from modelpick_shared.http import Problem
from modelpick_shared.http.request_body import does_not_fit, limited
from modelpick_shared.http.strict_json import InvalidJsonError

# Room for the expected JSON and for the form around both.
MAX_UPLOAD_BYTES = MAX_IMAGE_BYTES + MAX_EXPECTED_BYTES + 64 * KIB

UPLOAD_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "expected_json": {"type": "string", "contentMediaType": "application/json"},
                    },
                }
            }
        },
    }
}
"""What the route that takes an upload adds to its OpenAPI description."""


class Upload(NamedTuple):
    """A file with the JSON that a perfect model would return, None when it was not given."""

    content: bytes
    expected_json: JsonValue


async def read_upload(request: Request) -> Upload:
    """Read the form of an upload, or answer 413, 415 or 422."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the image as multipart/form-data.")
    _refuse_announced_size(request)
    form = await _parsed(request)
    try:
        return Upload(await _file(form), _expected(form))
    finally:
        await form.close()


def _refuse_announced_size(request: Request) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_UPLOAD_BYTES:
        raise _too_large()


async def _parsed(request: Request) -> FormData:
    async def stream() -> AsyncGenerator[bytes, None]:
        async for chunk in limited(request, MAX_UPLOAD_BYTES):
            yield chunk

    try:
        parser = MultiPartParser(
            _byte_for_byte(request.headers),
            stream(),
            max_files=1,
            max_fields=4,
            max_part_size=MAX_EXPECTED_BYTES + MIB,
        )
        return await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise does_not_fit("The form cannot be read.", "") from error


def _byte_for_byte(headers: Headers) -> Headers:
    """Have the parser read texts as Latin-1, one character for each byte, whatever the form says it is.

    It takes what is not UTF-8 for Latin-1 on its own: one wrong byte would garble every letter but ASCII's.
    """
    return Headers({"content-type": f"{headers['content-type']}; charset=latin-1"})


async def _file(form: FormData) -> bytes:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise does_not_fit("The image is missing.", "/file")
    content = await file.read(MAX_IMAGE_BYTES + 1)
    if len(content) > MAX_IMAGE_BYTES:
        raise _too_large()
    return content


def _expected(form: FormData) -> JsonValue:
    text = form.get("expected_json", "")
    if not isinstance(text, str):
        raise does_not_fit("Send the expected JSON as a text field.", "/expected_json")
    if not text.strip():
        return None
    try:
        return parse_expected_json(text.encode("latin-1"))
    except InvalidJsonError as error:
        raise does_not_fit(error.detail, f"/expected_json{error.pointer}") from error


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"An image may have at most {MAX_IMAGE_BYTES // MIB} MiB."
    )
