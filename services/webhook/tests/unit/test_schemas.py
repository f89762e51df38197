import json

import pytest

from modelpick_shared.ids import new_id
from modelpick_webhook.errors import InvalidEventError
from modelpick_webhook.schemas import parse_event


def event(*, event_livemode=False, **session):
    about = {"id": "cs_test_1", "payment_status": "paid", "status": "complete", "livemode": False} | session
    whole = {"id": "evt_1", "object": "event", "type": "checkout.session.completed"}
    whole["livemode"] = event_livemode
    return json.dumps(whole | {"data": {"object": about}}).encode()


def test_unknown_fields_and_types_are_fine():
    parsed = parse_event(event(surprise={"a": [1]}, metadata={"order_id": "no-id"}))
    assert parsed.session().order_id is None
    assert parse_event(event().replace(b"checkout.session.completed", b"new.thing")).type == "new.thing"


def test_the_order_is_found_in_the_metadata():
    order_id = new_id()
    assert parse_event(event(metadata={"order_id": str(order_id)})).session().order_id == order_id
    assert parse_event(event(metadata=None)).session().order_id is None


@pytest.mark.parametrize(
    ("status", "payment_status", "paid"),
    [
        ("complete", "paid", True),
        ("complete", "no_payment_required", True),
        ("complete", "unpaid", False),
        ("open", "paid", False),
        ("expired", "unpaid", False),
    ],
)
def test_only_a_complete_session_that_is_not_unpaid_is_paid(status, payment_status, paid):
    assert parse_event(event(status=status, payment_status=payment_status)).session().paid is paid


@pytest.mark.parametrize(
    ("of_event", "of_session", "livemode"), [(False, False, False), (True, True, True), (True, False, None)]
)
def test_event_and_session_must_agree_on_the_mode(of_event, of_session, livemode):
    session = parse_event(event(event_livemode=of_event, livemode=of_session)).session()
    assert session.livemode is livemode


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'{"id": "evt_1"}', b"\xff", b"[" * 100_000, b'{"object": "v2.core.event"}'],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_event_is_refused(body):
    with pytest.raises(InvalidEventError):
        parse_event(body)


def test_an_event_about_something_else_than_its_type_says_is_refused():
    body = json.dumps({"id": "evt_1", "type": "checkout.session.completed", "data": {"object": 5}})
    with pytest.raises(InvalidEventError):
        parse_event(body.encode()).session()
