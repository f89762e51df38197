import json

import pytest

REFUNDS = "/v1/refunds"


@pytest.fixture
async def intent(client, session, card):
    """Return the id of a payment that was made."""
    await client.post(f"/c/pay/{session['id']}", data=card)
    return (await client.get(f"/v1/checkout/sessions/{session['id']}")).json()["payment_intent"]


@pytest.fixture
def told(client):
    """Give what reads which events there are, newest first."""

    async def types():
        return [each["type"] for each in (await client.get("/v1/events")).json()["data"]]

    return types


async def charge_of(client, intent):
    charge = (await client.get(f"/v1/payment_intents/{intent}")).json()["latest_charge"]
    return (await client.get(f"/v1/charges/{charge}")).json()


async def test_a_refund_gives_all_back_and_tells_so(client, intent, told):
    asked = {"payment_intent": intent, "metadata[order_id]": "order-1"}
    refund = (await client.post(REFUNDS, data=asked)).json()
    assert (refund["status"], refund["amount"], refund["payment_intent"]) == ("succeeded", 1499, intent)
    assert refund["metadata"] == {"order_id": "order-1"}
    assert (await told())[:2] == ["charge.refunded", "refund.created"]
    charge = await charge_of(client, intent)
    assert (charge["refunded"], charge["amount_refunded"]) == (True, 1499)
    assert (await client.get(f"{REFUNDS}/{refund['id']}")).json() == refund
    listed = (await client.get(REFUNDS, params={"payment_intent": intent})).json()["data"]
    assert listed == [refund]
    assert (await client.get(REFUNDS, params={"payment_intent": "pi_other"})).json()["data"] == []


async def test_a_refund_is_made_once_an_idempotency_key_and_then_never_again(client, intent):
    asked, headers = {"payment_intent": intent}, {"Idempotency-Key": "refund-1"}
    first = await client.post(REFUNDS, data=asked, headers=headers)
    assert (await client.post(REFUNDS, data=asked, headers=headers)).content == first.content
    refused = await client.post(REFUNDS, data=asked)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "charge_already_refunded")


async def test_parts_are_refunded_up_to_the_whole(client, intent):
    assert (await client.post(REFUNDS, data={"payment_intent": intent, "amount": 499})).status_code == 200
    assert not (await charge_of(client, intent))["refunded"]
    too_much = await client.post(REFUNDS, data={"payment_intent": intent, "amount": 1001})
    assert too_much.json()["error"]["param"] == "amount"
    assert (await client.post(REFUNDS, data={"payment_intent": intent})).json()["amount"] == 1000


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "parameter_missing"),
        ({"payment_intent": "pi_none"}, "resource_missing"),
        ({"payment_intent": "x", "colour": "red"}, "parameter_unknown"),
        ({"payment_intent": "x", "amount": "much"}, None),
    ],
)
async def test_what_cannot_be_refunded_is_refused(client, form, code):
    refused = await client.post(REFUNDS, data=form)
    assert refused.status_code == 400
    assert refused.json()["error"].get("code") == code


async def test_a_refund_may_wait_for_the_bank_and_fail(client, intent, told):
    await client.put("/_control/refunds", json={"status": "pending"})
    refund = (await client.post(REFUNDS, data={"payment_intent": intent})).json()
    assert refund["status"] == "pending"
    failed = await client.post(f"/_control/refunds/{refund['id']}", json={"status": "failed"})
    assert failed.json()["failure_reason"] == "lost_or_stolen_card"
    assert (await told())[:2] == ["refund.updated", "refund.failed"]
    assert (await charge_of(client, intent))["amount_refunded"] == 0
    await client.put("/_control/refunds", json={"status": "succeeded"})
    assert (await client.post(REFUNDS, data={"payment_intent": intent})).json()["status"] == "succeeded"


async def test_a_dispute_is_opened_and_closed_and_keeps_the_money_from_being_refunded(client, intent, told):
    dispute = (await client.post("/_control/disputes", json={"payment_intent": intent})).json()
    assert (dispute["status"], dispute["payment_intent"]) == ("needs_response", intent)
    refused = await client.post(REFUNDS, data={"payment_intent": intent})
    assert refused.json()["error"]["code"] == "charge_disputed"
    await client.post(f"/_control/disputes/{dispute['id']}/close", json={"status": "won"})
    assert (await client.get(f"/v1/disputes/{dispute['id']}")).json()["status"] == "won"
    assert (await told())[:4] == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.created",
    ]
    listed = await client.get("/v1/disputes", params={"payment_intent": intent})
    assert [each["id"] for each in listed.json()["data"]] == [dispute["id"]]


@pytest.mark.parametrize(
    ("succeeded", "payment", "event"),
    [(True, "paid", "async_payment_succeeded"), (False, "unpaid", "async_payment_failed")],
)
async def test_an_asynchronous_payment_waits_for_the_bank(
    client, session, card, told, *, succeeded, payment, event
):
    await client.put("/_control/payments", json={"asynchronous": True})
    assert (await client.post(f"/c/pay/{session['id']}", data=card)).status_code == 303
    address = f"/v1/checkout/sessions/{session['id']}"
    waiting = (await client.get(address, params={"expand[]": "payment_intent"})).json()
    assert (waiting["status"], waiting["payment_status"]) == ("complete", "unpaid")
    assert waiting["payment_intent"]["status"] == "processing"
    settle = f"/_control/payments/{session['id']}/settle"
    assert (await client.post(settle, json={"succeeded": succeeded})).status_code == 200
    assert (await client.get(address)).json()["payment_status"] == payment
    assert (await told())[0] == f"checkout.session.{event}"
    assert (await client.post(settle)).status_code == 400


async def test_webhooks_are_duplicated_delayed_and_lost_when_asked(
    client, session, receiver, eventually, app
):
    wanted = {"copies": 2, "delay_s": 0.01, "shuffle": True, "failing": 1}
    switched = (await client.put("/_control/webhook", json=wanted)).json()
    assert {name: switched[name] for name in wanted} == wanted
    await client.post(f"/v1/checkout/sessions/{session['id']}/expire")
    await eventually(lambda: len(receiver.requests) == 2)
    assert len({json.loads(request.read())["id"] for request in receiver.requests}) == 1
    errors = [each.error for each in app.state.desk.store.deliveries]
    assert errors.count("Lost") == 1


async def test_events_are_listed_in_pages_by_whether_they_arrived(client, intent, receiver, eventually, told):
    await eventually(lambda: len(receiver.requests) == 3)
    await client.put("/_control/webhook", json={"held": True})
    await client.post(REFUNDS, data={"payment_intent": intent})
    wanted = {"delivery_success": "false", "types[0]": "refund.created", "types[1]": "charge.refunded"}
    first = (await client.get("/v1/events", params=wanted | {"limit": 1})).json()
    assert first["has_more"] is True
    after = wanted | {"starting_after": first["data"][0]["id"]}
    second = (await client.get("/v1/events", params=after)).json()
    assert [each["type"] for each in first["data"] + second["data"]] == ["charge.refunded", "refund.created"]
    assert second["has_more"] is False


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
async def test_the_api_fails_before_or_after_it_did_its_work(client, intent, after, made):
    await client.put("/_control/api", json={"count": 1, "status": 503, "path": REFUNDS, "after": after})
    failed = await client.post(REFUNDS, data={"payment_intent": intent})
    assert (failed.status_code, failed.json()["error"]["type"]) == (503, "api_error")
    assert len((await client.get(REFUNDS)).json()["data"]) == made


async def test_a_failure_may_be_kept_under_its_idempotency_key(client, intent):
    await client.put("/_control/api", json={"count": 1, "path": REFUNDS, "kept": True})
    asked, headers = {"payment_intent": intent}, {"Idempotency-Key": "refund-1"}
    first = await client.post(REFUNDS, data=asked, headers=headers)
    again = await client.post(REFUNDS, data=asked, headers=headers)
    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (500, False)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (500, "true")
    assert again.json() == first.json()
    assert (await client.post(REFUNDS, data=asked, headers={"Idempotency-Key": "refund-2"})).is_success
