import json

import pytest
from pydantic import ValidationError

from modelpick_shared.broker import Exchange, Service, event_queue, model_queue, model_slug, route
from modelpick_shared.catalog import effective_concurrency, load_catalog
from modelpick_shared.contracts import MESSAGES, Envelope, PaymentSeen, ReportPaid
from modelpick_shared.contracts.envelope import MessageMismatchError
from modelpick_shared.contracts.schemas import schema_of
from modelpick_shared.ids import new_id


def test_an_envelope_carries_a_message_there_and_back():
    message = ReportPaid(report_id=new_id())
    envelope = Envelope.model_validate_json(Envelope.wrap(message).model_dump_json())
    assert envelope.unwrap(ReportPaid) == message
    assert envelope.correlation_id == message.report_id
    assert (envelope.type, envelope.schema_version) == ("report.paid", 1)
    assert envelope.occurred_at.utcoffset().total_seconds() == 0


def test_unknown_fields_are_ignored_at_every_level():
    body = json.loads(Envelope.wrap(PaymentSeen(session_id="cs_1")).model_dump_json())
    body["new"] = 1
    body["data"]["newer"] = {"a": 1}
    assert Envelope.model_validate(body).unwrap(PaymentSeen).session_id == "cs_1"


@pytest.mark.parametrize("change", [{"type": "other"}, {"schema_version": 2}, {"data": {}}])
def test_a_message_that_is_not_the_expected_one_is_refused(change):
    envelope = Envelope.wrap(PaymentSeen(session_id="cs_1")).model_copy(update=change)
    with pytest.raises(MessageMismatchError):
        envelope.unwrap(PaymentSeen)


def test_the_version_before_the_present_one_is_understood():
    envelope = Envelope.wrap(PaymentSeen(session_id="cs_1")).model_copy(update={"schema_version": 0})
    assert envelope.unwrap(PaymentSeen).session_id == "cs_1"


def test_messages_and_envelopes_are_frozen():
    with pytest.raises(ValidationError):
        Envelope.wrap(PaymentSeen(session_id="cs_1")).type = "x"


def test_every_message_type_has_a_name_of_its_own_and_a_schema():
    assert len({message.TYPE for message in MESSAGES}) == len(MESSAGES)
    for message in MESSAGES:
        assert schema_of(message)["properties"]["type"] == {"const": message.TYPE}


def test_queue_names_follow_the_contract():
    assert event_queue(Service.ORCHESTRATOR, ReportPaid).name == "orchestrator.report.paid"
    queue = model_queue("google/gemma-4-31b-it:free")
    assert queue.name == "jobs.google-gemma-4-31b-it-free"
    assert queue.arguments["x-single-active-consumer"] is True
    assert queue.arguments["x-queue-type"] == "quorum"
    assert queue.arguments["x-delivery-limit"] >= 20


def test_models_never_share_a_queue():
    slugs = [model_slug(model.id) for model in load_catalog()]
    assert len(set(slugs)) == len(slugs) == 24


def test_events_go_to_the_events_exchange():
    assert route(ReportPaid(report_id=new_id())) == (Exchange.EVENTS, "report.paid")


def test_the_catalogue_is_complete_and_free_models_run_one_at_a_time():
    catalog = load_catalog()
    assert {model.tier for model in catalog} == {"premium", "mid", "budget", "free"}
    for model in catalog:
        assert "image" in model.input_modalities
        assert model.max_output_usd_per_1m >= model.output_usd_per_1m >= 0
        assert effective_concurrency(model, 3) == (1 if model.tier == "free" else 3)
