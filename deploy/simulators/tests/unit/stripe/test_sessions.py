import pytest

SESSIONS = "/v1/checkout/sessions"


async def test_a_new_session_is_open_and_unpaid_and_has_a_page(client, form, clock):
    session = (await client.post(SESSIONS, data=form)).json()
    assert session["id"].startswith("cs_test_")
    assert (session["status"], session["payment_status"], session["livemode"]) == ("open", "unpaid", False)
    assert (session["amount_total"], session["currency"]) == (1499, "usd")
    assert session["url"] == f"http://stripe.test/c/pay/{session['id']}"
    assert session["metadata"] == {"order_id": "order-1"}
    assert session["client_reference_id"] == "draft-1"
    assert session["expires_at"] == clock.now + 24 * 3600


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer sk_test_wrong"}])
async def test_without_the_secret_key_the_answer_is_401_in_stripes_shape(client, headers):
    answer = await client.get(SESSIONS, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"payment_method_types[0]": "card"}, "parameter_unknown", "payment_method_types"),
        ({"line_items[0][colour]": "red"}, "parameter_unknown", "line_items[0][colour]"),
        (
            {"payment_intent_data[colour]": "red"},
            "parameter_unknown",
            "payment_intent_data[colour]",
        ),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"success_url": ""}, "parameter_invalid_empty", "success_url"),
        ({"success_url": "nowhere"}, "url_invalid", "success_url"),
        ({"mode": None}, "parameter_missing", "mode"),
        (
            {"line_items[0][price_data][unit_amount]": "14.99"},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"line_items[0][price_data][currency]": None},
            "parameter_missing",
            "line_items[0][price_data][currency]",
        ),
        ({"line_items[0][price_data][unit_amount]": "49"}, "amount_too_small", None),
        ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
        ({"expires_at": "1800001799"}, None, "expires_at"),
        ({"expires_at": "1800086401"}, None, "expires_at"),
        ({"metadata[order_id]": "x" * 501}, None, "metadata"),
    ],
)
async def test_what_stripe_refuses_is_refused_with_its_code(client, form, change, code, param):
    wanted = {name: value for name, value in (form | change).items() if value is not None}
    answer = await client.post(SESSIONS, data=wanted)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error.get("code"), error.get("param")) == ("invalid_request_error", code, param)


async def test_line_items_are_required(client, form):
    wanted = {name: value for name, value in form.items() if not name.startswith("line_items")}
    answer = await client.post(SESSIONS, data=wanted)
    assert answer.json()["error"]["code"] == "parameter_missing"


async def test_the_shortest_and_the_longest_life_are_accepted(client, form, clock):
    for life_s in (30 * 60, 24 * 3600):
        wanted = form | {"expires_at": str(int(clock.now) + life_s)}
        assert (await client.post(SESSIONS, data=wanted)).status_code == 200


async def test_the_same_key_and_parameters_replay_the_first_answer(client, form):
    headers = {"Idempotency-Key": "order-1"}
    first = await client.post(SESSIONS, data=form, headers=headers)
    second = await client.post(SESSIONS, data=form, headers=headers)
    assert second.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len((await client.get(SESSIONS)).json()["data"]) == 1


async def test_the_same_key_with_other_parameters_is_an_idempotency_error(client, form):
    headers = {"Idempotency-Key": "order-1"}
    await client.post(SESSIONS, data=form, headers=headers)
    other = form | {"client_reference_id": "draft-2"}
    answer = await client.post(SESSIONS, data=other, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "idempotency_error"


async def test_a_refused_request_leaves_its_key_free(client, form):
    headers = {"Idempotency-Key": "order-1"}
    refused = await client.post(SESSIONS, data=form | {"mode": "barter"}, headers=headers)
    assert refused.status_code == 400
    assert (await client.post(SESSIONS, data=form, headers=headers)).status_code == 200


async def test_an_idempotency_key_is_forgotten_after_a_day(client, form, clock):
    headers = {"Idempotency-Key": "order-1"}
    first = (await client.post(SESSIONS, data=form, headers=headers)).json()
    clock.now += 24 * 3600 + 1
    assert (await client.post(SESSIONS, data=form, headers=headers)).json()["id"] != first["id"]


async def test_an_unknown_session_is_404(client):
    answer = await client.get(f"{SESSIONS}/cs_test_none")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "resource_missing"


async def test_expiring_closes_the_session_once_and_tells_the_shop(client, session, receiver, eventually):
    expired = await client.post(f"{SESSIONS}/{session['id']}/expire")
    assert (expired.json()["status"], expired.json()["url"]) == ("expired", None)
    again = await client.post(f"{SESSIONS}/{session['id']}/expire")
    assert again.status_code == 400
    await eventually(lambda: receiver.requests)
    assert receiver.types == {"checkout.session.expired"}


async def test_a_session_expires_by_time(client, session, clock, receiver, eventually):
    clock.now = session["expires_at"] - 1
    assert (await client.get(f"{SESSIONS}/{session['id']}")).json()["status"] == "open"
    clock.now += 1
    assert (await client.get(f"{SESSIONS}/{session['id']}")).json()["status"] == "expired"
    await eventually(lambda: receiver.types == {"checkout.session.expired"})


async def test_lists_are_newest_first_filtered_and_paged(client, form):
    ids = [(await client.post(SESSIONS, data=form)).json()["id"] for _ in range(3)]
    await client.post(f"{SESSIONS}/{ids[0]}/expire")
    listed = (await client.get(SESSIONS, params={"limit": 2})).json()
    assert [each["id"] for each in listed["data"]] == [ids[2], ids[1]]
    assert listed["has_more"] is True
    after = (await client.get(SESSIONS, params={"starting_after": ids[1]})).json()
    assert [each["id"] for each in after["data"]] == [ids[0]]
    before = (await client.get(SESSIONS, params={"ending_before": ids[1]})).json()
    assert [each["id"] for each in before["data"]] == [ids[2]]
    still_open = (await client.get(SESSIONS, params={"status": "open"})).json()
    assert [each["id"] for each in still_open["data"]] == [ids[2], ids[1]]


async def test_a_list_refuses_unknown_filters(client, session):
    answer = await client.get(SESSIONS, params={"colour": "red"})
    assert answer.json()["error"]["code"] == "parameter_unknown"
