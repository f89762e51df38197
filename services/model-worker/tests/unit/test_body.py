import json
from decimal import Decimal
from pathlib import Path

import pytest

from modelpick_model_worker.images import READ_BYTES, EncodedImage
from modelpick_model_worker.openrouter.body import customer_of, request_body
from modelpick_shared.contracts import RequestParameters
from modelpick_shared.ids import new_id

from .conftest import a_run

DESCRIPTION = Path(__file__).resolve().parents[5] / "shared/reference/openrouter-openapi.subset.json"
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}}
EVERYTHING = RequestParameters(
    max_tokens=9,
    temperature=0,
    reasoning_effort="low",
    response_format="json_schema",
    data_policy="no_training",
)

NEVER_SENT = ("plugins", "cache", "web", "transforms", "models", "stream", "session_id", "response-healing")


def body_of(run, url=b"data:image/png;base64,AAAA"):
    return json.loads(b"".join(request_body(run, url).pieces()))


def asked(response_format, schema=SCHEMA):
    parameters = RequestParameters(max_tokens=9, response_format=response_format)
    return body_of(a_run(parameters=parameters, json_schema=schema))


def text_of(body):
    return body["messages"][0]["content"][0]["text"]


def test_the_text_comes_before_the_image():
    (message,) = body_of(a_run())["messages"]
    assert [part["type"] for part in message["content"]] == ["text", "image_url"]
    assert message["content"][1]["image_url"]["url"] == "data:image/png;base64,AAAA"


def test_a_prompt_or_schema_that_names_the_images_place_is_left_alone():
    tricky = "modelpick-image-goes-here"
    run = a_run(prompt=tricky, json_schema={"title": tricky}, parameters=EVERYTHING)
    body = body_of(run)
    assert text_of(body) == tricky
    assert body["response_format"]["json_schema"]["schema"] == {"title": tricky}
    assert body["messages"][0]["content"][1]["image_url"]["url"].startswith("data:")


def test_only_what_is_asked_for_is_sent():
    body = body_of(a_run())
    assert set(body) == {"model", "max_tokens", "provider", "user", "messages"}
    assert set(body["provider"]) == {"max_price"}


def test_what_is_asked_for_is_sent():
    body = body_of(a_run(parameters=EVERYTHING, preferred_provider="Acme", json_schema=SCHEMA))
    assert (body["temperature"], body["reasoning"], body["max_tokens"]) == (0, {"effort": "low"}, 9)
    assert body["provider"] == {
        "max_price": {"prompt": 1.0, "completion": 2.5},
        "data_collection": "deny",
        "order": ["Acme"],
        "allow_fallbacks": True,
    }


@pytest.mark.parametrize("parameters", [RequestParameters(max_tokens=9), EVERYTHING])
def test_nothing_mends_searches_or_remembers_for_the_model(parameters):
    text = json.dumps(body_of(a_run(parameters=parameters, json_schema=SCHEMA)))
    for word in NEVER_SENT:
        assert f'"{word}' not in text


def test_a_schema_is_strict_where_the_model_takes_one_and_needs_no_words():
    body = asked("json_schema")
    schema = {"name": "extraction", "strict": True, "schema": SCHEMA}
    assert body["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert text_of(body) == "Read it."


@pytest.mark.parametrize("response_format", ["json_object", None])
def test_elsewhere_the_words_ask_for_json_alone_and_tell_the_schema(response_format):
    text = text_of(asked(response_format))
    assert text.startswith("Read it.")
    assert "Answer with one JSON value and nothing else" in text
    assert json.dumps(SCHEMA) in text


@pytest.mark.parametrize("response_format", ["json_schema", "json_object", None])
def test_without_a_schema_the_words_ask_for_json_alone(response_format):
    body = asked(response_format, schema=None)
    assert text_of(body).endswith(
        "Answer with one JSON value and nothing else: no explanation, no code fence."
    )
    assert body.get("response_format") == (response_format and {"type": "json_object"})


def test_the_price_cap_is_that_of_the_job():
    cap = a_run().price_cap.model_copy(update={"prompt_usd_per_1m": Decimal("0.075")})
    assert body_of(a_run(price_cap=cap))["provider"]["max_price"] == {"prompt": 0.075, "completion": 2.5}


def test_the_customer_is_a_pseudonym_that_is_stable_for_a_report():
    report_id = new_id()
    assert customer_of(report_id) == customer_of(report_id) != customer_of(new_id())
    assert str(report_id) not in customer_of(report_id)
    assert body_of(a_run(report_id=report_id))["user"] == customer_of(report_id)


async def test_a_body_around_a_large_image_can_be_sent_again_and_knows_its_length():
    image = await EncodedImage.of("image/png", bytes(300_000))
    body = request_body(a_run(), image)
    first = b"".join([piece async for piece in body])
    again = b"".join([piece async for piece in body])
    assert first == again
    assert len(first) == body.length
    assert max(len(piece) for piece in body.pieces()) <= READ_BYTES
    url = json.loads(first)["messages"][0]["content"][1]["image_url"]["url"]
    assert url == "data:image/png;base64," + "A" * 400_000


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the official description is not at hand")
@pytest.mark.parametrize("parameters", [RequestParameters(max_tokens=9), EVERYTHING])
def test_only_fields_of_the_official_description_are_sent(parameters):
    schemas = json.loads(DESCRIPTION.read_text())["components"]["schemas"]
    body = body_of(a_run(parameters=parameters, preferred_provider="Acme", json_schema=SCHEMA))
    assert body.keys() <= schemas["ChatRequest"]["properties"].keys()
    assert body["provider"].keys() <= schemas["ProviderPreferences"]["properties"].keys()
