import json
import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from modelpick_model_worker.bill import Bill
from modelpick_model_worker.errors import (
    CallRejectedError,
    NoEndpointError,
    OperatorError,
    ProviderFailedError,
    RateLimitedError,
)
from modelpick_model_worker.openrouter.answer import OUTPUT_LIMIT_BYTES, ModelAnswer, storable
from modelpick_model_worker.openrouter.client import Reply, _read
from modelpick_model_worker.openrouter.failures import call_error, parse_retry_after
from modelpick_model_worker.openrouter.schemas import ApiError, Completion, Generation, Key, read_completion
from modelpick_shared.contracts import AttemptOutcome

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


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


REFUSAL = {"message": "I would rather not.", "metadata": {"error_type": "refusal"}}


@pytest.mark.parametrize(
    ("status", "body", "bill"),
    [
        (400, {"error": {"code": 400} | REFUSAL}, Bill(cost_usd=Decimal(0))),
        (
            400,
            {"error": {"code": 400, "metadata": {"error_type": "content_policy_violation"}}},
            Bill(cost_usd=Decimal(0)),
        ),
        (400, {"error": {"code": 400, "message": "x", "error_type": "refusal"}}, Bill(cost_usd=Decimal(0))),
        (
            200,
            {"id": "gen-1", "error": REFUSAL, "usage": {"cost": 0.5}},
            Bill(Decimal("0.5"), None, None, "gen-1"),
        ),
        (
            200,
            {"choices": [{"finish_reason": "error", "error": REFUSAL}]},
            Bill(generation_id="gen-of-the-header"),
        ),
    ],
)
def test_a_refusal_that_comes_as_an_error_is_the_models_answer(status, body, bill):
    answer = _read(Reply(status, {"x-generation-id": "gen-of-the-header"}, json.dumps(body).encode()))
    assert (answer.outcome, answer.output, answer.bill) == (AttemptOutcome.REFUSED, None, bill)


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
        ({"cost": True}, None),
        ({"cost": -0.5}, None),
        ({"cost": math.inf}, None),
        ({"cost": 1e300}, None),
        ({"cost": 0}, Decimal(0)),
    ],
)
def test_a_cost_that_cannot_be_read_is_unknown(usage, cost):
    body = {"choices": [{"message": {"content": "{}"}}], "usage": usage}
    assert Completion.model_validate(body).answer().bill.cost_usd == cost


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


def availability(code, *, field=None, excluded_by=(), **more):
    constraint = {"field": field, "detail": "x"} if field else None
    return {"availability": {"code": code, "excluded_by": list(excluded_by), "constraint": constraint} | more}


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {}, RateLimitedError),
        (408, {}, ProviderFailedError),
        (500, {}, ProviderFailedError),
        (529, {}, ProviderFailedError),
        (503, availability("temporarily_unavailable", retryable=False), CallRejectedError),
        (401, {}, OperatorError),
        (402, {}, OperatorError),
        (400, {}, CallRejectedError),
        (404, {}, CallRejectedError),
        (404, availability("other", retryable=True), ProviderFailedError),
        (404, availability("constraint_filtered"), NoEndpointError),
        (404, availability("constraint_filtered", field="provider.max_price.prompt"), NoEndpointError),
        (404, availability("no_endpoints", excluded_by=["provider.data_collection"]), NoEndpointError),
        (404, availability("privacy_restricted"), NoEndpointError),
        (404, availability("constraint_filtered", field="provider.quantizations"), CallRejectedError),
        (404, availability("model_deprecated"), CallRejectedError),
        (404, {"message": "No endpoints found matching your data policy."}, NoEndpointError),
        (404, {"message": "No endpoints found for acme/model."}, CallRejectedError),
        (404, {"availability": {"constraint": "x", "excluded_by": 7}}, CallRejectedError),
    ],
)
def test_statuses_become_our_errors(status, error, kind):
    found = call_error(status, ApiError.model_validate(error), {})
    assert type(found) is kind
    assert found.bill is None


def test_only_a_key_that_is_refused_is_unauthorized():
    assert call_error(401, ApiError(), {}).unauthorized
    assert not call_error(402, ApiError(), {}).unauthorized


@pytest.mark.parametrize(
    ("headers", "stated", "seconds"),
    [
        ({"retry-after": "12"}, 30, 12),
        ({}, 30, 30),
        ({"retry-after": "soon"}, 30, 30),
        ({}, 1e9, 600),
        ({}, -1, None),
        ({}, math.nan, None),
        ({}, "30", None),
        ({}, True, None),
    ],
)
def test_the_wait_that_the_server_asks_for_is_kept_from_wherever_it_stands(headers, stated, seconds):
    error = ApiError.model_validate(availability("capacity_exhausted", retry_after=stated))
    assert call_error(429, error, headers).retry_after_s == seconds


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": 429}, 429),
        ({"code": "429"}, 429),
        ({"http_status": 503, "error_type": "provider_overloaded"}, 503),
        ({"error_type": "rate_limit_exceeded"}, 429),
        ({"metadata": {"error_type": "provider_unavailable"}}, 502),
        ({"metadata": {"error_type": "invalid_image"}}, 400),
        ({"code": 200}, 502),
        ({"code": None, "metadata": None}, 502),
        ({}, 502),
    ],
)
def test_an_error_inside_a_200_stands_for_a_status(error, status):
    assert ApiError.model_validate(error).status == status


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b'{"choices": [',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b"[]",
        b"null",
        b"7",
        b"1" * 5000,
    ],
)
def test_a_body_that_is_no_completion_is_refused_and_nothing_else_raised(content):
    with pytest.raises(ValueError):  # noqa: PT011 - whichever kind: it is one failure to the client
        read_completion(content)


@pytest.mark.parametrize(
    "body",
    [
        {"choices": "x"},
        {"choices": [None]},
        {"choices": [{"message": "text"}]},
        {"choices": [{"message": {"content": 7, "refusal": []}, "finish_reason": 3}], "usage": [], "id": 7},
        {
            "choices": [{"message": {"content": "{}"}}],
            "usage": {"prompt_tokens": -1, "completion_tokens": 1.5},
        },
        {"choices": [{"message": {"content": "{}"}}], "usage": {"prompt_tokens": 10**30}},
        {"choices": [{"message": {"content": [{"type": "text"}, 3]}}], "openrouter_metadata": 7},
        {"error": "bad"},
        {"choices": [{"error": "bad"}]},
    ],
)
def test_whatever_shape_a_body_has_it_is_an_answer_or_a_failure(body):
    read = read_completion(json.dumps(body).encode())
    assert read.failure() is not None or read.answer().bill.prompt_tokens is None


def test_nul_stays_and_lone_surrogates_become_replacement_characters():
    assert storable("a\x00\ud800b\udc00c") == "a\x00\ufffdb\ufffdc"
    assert storable("\ud83d\ude00") == "\U0001f600"
    assert storable("Ünï") == "Ünï"


def an_answer(output):
    return ModelAnswer(AttemptOutcome.ANSWERED, output, Bill())


@pytest.mark.parametrize("output", [None, "", "x" * OUTPUT_LIMIT_BYTES, "é" * (OUTPUT_LIMIT_BYTES // 2)])
def test_an_answer_within_the_limit_is_left_alone(output):
    assert an_answer(output).within_limit() == an_answer(output)


@pytest.mark.parametrize("letter", ["x", "é", "€", "\U0001f600"])
def test_a_longer_answer_is_cut_between_two_characters_and_says_so(letter):
    cut = an_answer("x" + letter * OUTPUT_LIMIT_BYTES).within_limit()
    assert OUTPUT_LIMIT_BYTES - 4 < len(cut.output.encode()) <= OUTPUT_LIMIT_BYTES
    assert set(cut.output) == {"x", letter}
    assert "was cut" in cut.note


def test_a_generation_is_billed_by_its_total_cost_and_native_tokens():
    data = {"id": "gen-1", "total_cost": 0.5, "tokens_prompt": 1, "tokens_completion": 2}
    assert Generation.model_validate(data).bill == Bill(Decimal("0.5"), 1, 2, "gen-1")
    native = data | {"native_tokens_prompt": 10, "native_tokens_completion": 20}
    assert Generation.model_validate(native).bill == Bill(Decimal("0.5"), 10, 20, "gen-1")
    assert not Generation.model_validate({"total_cost": -1}).bill.is_known


@pytest.mark.parametrize(
    ("left", "has_credit"),
    [(None, True), (0.01, True), (0, False), (-1, False), ("x", False), (math.nan, False)],
)
def test_a_key_has_credit_while_some_is_left_or_none_was_set(left, has_credit):
    assert Key.model_validate({"limit_remaining": left}).has_credit is has_credit
