"""The body of a chat completion request."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol
from uuid import UUID

from modelpick_shared.contracts import RunRequested

# Base64 has no quote, backslash or control character, so a data URL can be spliced into finished JSON.
_IMAGE_PLACE = "modelpick-image-goes-here"
_ONLY_JSON = "Answer with one JSON value and nothing else: no explanation, no code fence."
_FITS_SCHEMA = "It must fit this JSON Schema:"


class DataUrl(Protocol):
    """A data URL that is read piece by piece, as often as is needed."""

    length: int

    def pieces(self) -> Iterator[bytes]: ...


class RequestBody:
    """A JSON body around an image, which is never copied as a whole: 72 calls of 5 MiB are half a gigabyte.

    It can be sent any number of times; each iteration begins anew.
    """

    def __init__(self, before: bytes, image_url: bytes | DataUrl, after: bytes) -> None:
        self._before = before
        self._image_url = image_url
        self._after = after
        image_length = len(image_url) if isinstance(image_url, bytes) else image_url.length
        self.length = len(before) + image_length + len(after)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces():
            yield piece

    def pieces(self) -> Iterator[bytes]:
        yield self._before
        if isinstance(self._image_url, bytes):
            yield self._image_url
        else:
            yield from self._image_url.pieces()
        yield self._after


def request_body(run: RunRequested, image_url: bytes | DataUrl) -> RequestBody:
    """Return the JSON body for a run; `image_url` is a link as ASCII, or a data URL."""
    before, _, after = json.dumps(_body(run)).encode().rpartition(_IMAGE_PLACE.encode())
    return RequestBody(before, image_url, after)


def _body(run: RunRequested) -> dict[str, Any]:
    parameters = run.parameters
    body: dict[str, Any] = {
        "model": run.model_id,
        "max_tokens": parameters.max_tokens,
        "provider": _provider(run),
        "user": customer_of(run.report_id),
    }
    if parameters.temperature is not None:
        body["temperature"] = parameters.temperature
    if parameters.reasoning_effort is not None:
        body["reasoning"] = {"effort": parameters.reasoning_effort}
    if parameters.response_format is not None:
        body["response_format"] = _response_format(run)
    # Last, so that the last occurrence of the image's place is this one, whatever the customer wrote.
    body["messages"] = [{"role": "user", "content": _content(run)}]
    return body


def _content(run: RunRequested) -> list[dict[str, Any]]:
    return [
        {"type": "text", "text": _instructions(run)},
        {"type": "image_url", "image_url": {"url": _IMAGE_PLACE}},
    ]


def customer_of(report_id: UUID) -> str:
    """Return the pseudonym under which a report's calls are made."""
    return hashlib.sha256(f"modelpick report {report_id}".encode()).hexdigest()[:32]


def _instructions(run: RunRequested) -> str:
    if _sends_schema(run):
        return run.prompt
    text = f"{run.prompt}\n\n{_ONLY_JSON}"
    if run.json_schema is None:
        return text
    return f"{text} {_FITS_SCHEMA}\n{json.dumps(run.json_schema, ensure_ascii=False)}"


def _sends_schema(run: RunRequested) -> bool:
    return run.parameters.response_format == "json_schema" and run.json_schema is not None


def _response_format(run: RunRequested) -> dict[str, Any]:
    if _sends_schema(run):
        schema = {"name": "extraction", "strict": True, "schema": run.json_schema}
        return {"type": "json_schema", "json_schema": schema}
    return {"type": "json_object"}


def _provider(run: RunRequested) -> dict[str, Any]:
    provider: dict[str, Any] = {
        "max_price": {
            "prompt": float(run.price_cap.prompt_usd_per_1m),
            "completion": float(run.price_cap.completion_usd_per_1m),
        }
    }
    if run.parameters.data_policy == "no_training":
        provider["data_collection"] = "deny"
    if run.preferred_provider is not None:
        provider |= {"order": [run.preferred_provider], "allow_fallbacks": True}
    return provider
