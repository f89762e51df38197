import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from modelpick_model_worker.errors import (
    CallRejectedError,
    NoEndpointError,
    OperatorError,
    ProviderFailedError,
    RateLimitedError,
)
from modelpick_model_worker.openrouter.body import customer_of, request_body
from modelpick_model_worker.openrouter.failures import call_error, parse_retry_after
from modelpick_model_worker.openrouter.schemas import ApiError, Completion
from modelpick_shared.contracts import (
    AttemptOutcome,
    ImageRef,
    PriceCap,
    RequestParameters,
    RunRequested,
)
from modelpick_shared.ids import new_id

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_run(**changes):
    fields = {
        "report_id": new_id(),
        "model_id": "acme/model",
        "image_index": 0,
        "run_index": 0,
        "attempt_token": new_id(),
        "lease_ends_at": NOW,
        "deadline_at": NOW,
        "parameters": RequestParameters(max_tokens=4096),
        "prompt": "Read it.",
        "image": ImageRef(key="k", sha256="0" * 64, media_type="image/png"),
        "price_cap": PriceCap(prompt_usd_per_1m=Decimal(1), completion_usd_per_1m=Decimal("2.5")),
    }
    return RunRequested(**(fields | changes))


def body_of(run, url=b"data:image/png;base64,AAAA"):
    return json.loads(request_body(run, url))


def test_the_text_comes_before_the_image():
    (message,) = body_of(a_run())["messages"]
    assert [part["type"] for part in message["content"]] == ["text", "image_url"]
    assert message["content"][1]["image_url"]["url"] == "data:image/png;base64,AAAA"


def test_a_prompt_or_schema_that_names_the_images_place_is_left_alone():
    tricky = "modelpick-image-goes-here"
    run = a_run(
        prompt=tricky,
        json_schema={"title": tricky},
        parameters=RequestParameters(max_tokens=1, response_format="json_schema"),
    )
    body = body_of(run)
    assert body["messages"][0]["content"][0]["text"] == tricky
    assert body["response_format"]["json_schema"]["schema"] == {"title": tricky}
    assert body["messages"][0]["content"][1]["image_url"]["url"].startswith("data:")


def test_only_what_is_asked_for_is_sent():
    body = body_of(a_run())
    assert not {"temperature", "reasoning", "response_format", "plugins"} & body.keys()
    full = RequestParameters(
        max_tokens=9,
        temperature=0,
        reasoning_effort="low",
        response_format="json_object",
        data_policy="no_training",
    )
    body = body_of(a_run(parameters=full, preferred_provider="Acme"))
    assert (body["temperature"], body["reasoning"], body["max_tokens"]) == (0, {"effort": "low"}, 9)
    assert body["response_format"] == {"type": "json_object"}
    assert body["provider"]["data_collection"] == "deny"
    assert body["provider"]["order"] == ["Acme"]


def test_the_price_cap_is_sent_along():
    assert body_of(a_run())["provider"]["max_price"] == {"prompt": 1.0, "completion": 2.5}


def test_a_schema_goes_into_the_prompt_where_the_model_takes_none():
    text = body_of(a_run(json_schema={"type": "object"}))["messages"][0]["content"][0]["text"]
    assert '{"type": "object"}' in text


def test_the_customer_is_a_pseudonym_that_is_stable_for_a_report():
    report_id = new_id()
    assert customer_of(report_id) == customer_of(report_id) != customer_of(new_id())
    assert str(report_id) not in customer_of(report_id)


def completion(**choice):
    return Completion.model_validate({"choices": [choice], "usage": {"cost": 0.01, "prompt_tokens": 5}})


@pytest.mark.parametrize(
    ("choice", "outcome"),
    [
        ({"message": {"content": "{}"}, "finish_reason": "stop"}, AttemptOutcome.ANSWERED),
        ({"message": {"content": [{"type": "text", "text": "{}"}]}}, AttemptOutcome.ANSWERED),
        ({"message": {"content": '{"a'}, "finish_reason": "length"}, AttemptOutcome.TRUNCATED),
        ({"message": {"content": None, "reasoning": "Hm."}, "finish_reason": "stop"}, AttemptOutcome.EMPTY),
        ({"message": {"content": " \n"}}, AttemptOutcome.EMPTY),
        ({"message": None}, AttemptOutcome.EMPTY),
        ({"message": {"content": None, "refusal": "No."}}, AttemptOutcome.REFUSED),
        ({"message": {"content": ""}, "finish_reason": "content_filter"}, AttemptOutcome.REFUSED),
    ],
)
def test_answers_are_told_apart(choice, outcome):
    read = completion(**choice)
    assert read.failure() is None
    assert read.answer().outcome is outcome


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"error": {"code": 502, "message": "x"}, "choices": [{"message": {"content": "{}"}}]},
        {"choices": [{"finish_reason": "error", "error": {"code": 429, "message": "x"}}]},
    ],
)
def test_an_error_inside_a_200_is_an_error(body):
    assert Completion.model_validate(body).failure() is not None


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.02}, Decimal("0.02")),
        ({"cost": "0.02"}, Decimal("0.02")),
        ({"cost": None}, None),
        ({}, None),
        (None, None),
        ({"cost": "NaN"}, None),
        ({"cost": {"a": 1}}, None),
    ],
)
def test_a_cost_that_cannot_be_read_is_unknown(usage, cost):
    body = {"choices": [{"message": {"content": "{}"}}], "usage": usage}
    assert Completion.model_validate(body).answer().cost_usd == cost


def test_the_provider_is_read_from_wherever_it_stands():
    metadata = {"endpoints": {"available": [{"provider": "A"}, {"provider": "B", "selected": True}]}}
    body = {"choices": [{"message": {"content": "{}"}}], "openrouter_metadata": metadata}
    assert Completion.model_validate(body).answer().provider == "B"
    assert Completion.model_validate(body | {"provider": "C"}).answer().provider == "C"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("1.5", 1.5),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("99999999999", 600),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_bounded_and_nonsense_is_ignored(value, seconds):
    assert parse_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {}, RateLimitedError),
        (408, {}, ProviderFailedError),
        (500, {}, ProviderFailedError),
        (529, {}, ProviderFailedError),
        (401, {}, OperatorError),
        (402, {}, OperatorError),
        (400, {}, CallRejectedError),
        (404, {"availability": {"code": "constraint_filtered"}}, NoEndpointError),
        (404, {"availability": {"code": "other", "retryable": True}}, ProviderFailedError),
    ],
)
def test_statuses_become_our_errors(status, error, kind):
    assert type(call_error(status, ApiError.model_validate(error), {})) is kind


def test_a_wait_that_the_server_asks_for_is_kept():
    error = call_error(429, ApiError(), {"retry-after": "12"})
    assert error.retry_after_s == 12
    assert error.reason == "rate_limited"
    assert timedelta(seconds=error.retry_after_s) == timedelta(seconds=12)
