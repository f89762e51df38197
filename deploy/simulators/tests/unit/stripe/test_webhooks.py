import asyncio
import json

import pytest
from stripe import SignatureVerificationError, WebhookSignature

from modelpick_simulators.stripe import delivery


@pytest.fixture
async def completed(client, session, card, receiver, eventually):
    await client.post(f"/c/pay/{session['id']}", data=card)
    await eventually(lambda: len(receiver.requests) == 3)
    events = (await client.get("/v1/events", params={"type": "checkout.session.completed"})).json()
    return events["data"][0]


@pytest.mark.parametrize("secret", ["whsec_new", "whsec_old"])
async def test_the_signature_is_good_for_both_secrets_of_a_rotation(completed, receiver, clock, secret):
    for request in receiver.requests:
        header, body = request.headers["Stripe-Signature"], request.read()
        assert WebhookSignature.verify_header(body, header, secret)
        assert header.startswith(f"t={int(clock.now)},v1=")


async def test_the_signature_is_bad_for_any_other_secret_or_body(completed, receiver):
    request = receiver.requests[0]
    header = request.headers["Stripe-Signature"]
    for body, secret in ((request.read(), "whsec_other"), (request.read() + b" ", "whsec_new")):
        with pytest.raises(SignatureVerificationError):
            WebhookSignature.verify_header(body, header, secret)


async def test_the_event_holds_the_session_as_it_was(completed, session):
    assert completed["api_version"] == "2026-10-28.endive"
    assert completed["data"]["object"]["id"] == session["id"]
    assert completed["data"]["object"]["payment_status"] == "paid"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(delivery, "FIRST_PAUSE_S", 0.001)


@pytest.mark.usefixtures("impatient")
async def test_a_delivery_is_repeated_until_it_is_taken(client, session, receiver, app, eventually):
    receiver.answers = [500, 503, 200]
    await client.post(f"/v1/checkout/sessions/{session['id']}/expire")
    attempts = app.state.desk.store.deliveries
    await eventually(lambda: len(attempts) == 3)
    assert [(each.attempt, each.status) for each in attempts] == [(1, 500), (2, 503), (3, 200)]
    bodies = {json.loads(request.read())["id"] for request in receiver.requests}
    assert len(bodies) == 1


async def test_undelivered_events_can_be_listed(client, session, receiver, eventually):
    receiver.answers = [500] * 3
    await client.post(f"/v1/checkout/sessions/{session['id']}/expire")
    await eventually(lambda: receiver.requests)
    listed = (await client.get("/v1/events", params={"delivery_success": "false"})).json()
    assert [each["type"] for each in listed["data"]] == ["checkout.session.expired"]
    assert listed["data"][0]["pending_webhooks"] == 1


async def test_an_event_can_be_retrieved_and_found_by_its_types(client, completed):
    one = (await client.get(f"/v1/events/{completed['id']}")).json()
    assert one["data"] == completed["data"]
    params = {"types[0]": "charge.succeeded", "types[1]": "checkout.session.completed"}
    listed = (await client.get("/v1/events", params=params)).json()
    assert {each["type"] for each in listed["data"]} == set(params.values())


@pytest.mark.parametrize("concurrent", [True, False])
async def test_an_event_can_be_delivered_again_many_times(client, completed, receiver, concurrent):
    receiver.answers = [200, 500, 400]
    address = f"/_control/events/{completed['id']}/deliver"
    answer = await client.post(address, json={"times": 3, "concurrent": concurrent})
    assert sorted(answer.json()["statuses"]) == [200, 400, 500]
    journal = (await client.get("/_control/deliveries", params={"event_id": completed["id"]})).json()
    assert [each["manual"] for each in journal["items"]] == [False, True, True, True]


async def test_held_events_go_out_when_released_in_the_order_asked_for(
    client, session, card, receiver, eventually
):
    await client.put("/_control/webhook", json={"held": True})
    await client.post(f"/c/pay/{session['id']}", data=card)
    await asyncio.sleep(0)
    assert receiver.requests == []
    await client.put("/_control/webhook", json={"held": False, "newest_first": True})
    await eventually(lambda: len(receiver.requests) == 3)
    assert json.loads(receiver.requests[0].read())["type"] == "checkout.session.completed"
