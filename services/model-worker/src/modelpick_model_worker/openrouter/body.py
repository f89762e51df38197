"""The body of a chat completion request."""

import hashlib
import json
from typing import Any
from uuid import UUID

from modelpick_shared.contracts import RunRequested

# Base64 has no quote, backslash or control character, so a data URL can be spliced into finished JSON.
# The image is then neither escaped nor copied through Python objects once for every call.
_IMAGE_PLACE = "modelpick-image-goes-here"


def request_body(run: RunRequested, image_url: bytes) -> bytes:
    """Return the JSON body for a run; `image_url` is a data URL or a link, as ASCII."""
    before, _, after = json.dumps(_body(run)).encode().rpartition(_IMAGE_PLACE.encode())
    return before + image_url + after


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
    if run.json_schema is None or run.parameters.response_format == "json_schema":
        return run.prompt
    schema = json.dumps(run.json_schema, ensure_ascii=False)
    return f"{run.prompt}\n\nAnswer with one JSON value that fits this JSON Schema:\n{schema}"


def _response_format(run: RunRequested) -> dict[str, Any]:
    if run.parameters.response_format == "json_schema":
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
        provider["order"] = [run.preferred_provider]
    return provider
