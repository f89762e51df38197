import pytest

SESSIONS = "/v1/checkout/sessions"
ALL_EVENTS = {"charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}


def page(session):
    return f"/c/pay/{session['id']}"


async def retrieved(client, session, **params):
    return (await client.get(f"{SESSIONS}/{session['id']}", params=params)).json()


async def test_the_pay_page_shows_amount_and_product_escaped_and_a_way_back(client, session):
    answer = await client.get(page(session))
    assert answer.status_code == 200
    assert "14.99 USD" in answer.text
    assert "Report &lt;24 models&gt;" in answer.text
    assert 'href="http://shop.test/checkout/cancel"' in answer.text


async def test_a_good_card_pays_and_leads_to_the_success_page(client, session, card, receiver, eventually):
    answer = await client.post(page(session), data=card)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://shop.test/checkout/success?session_id={session['id']}"
    paid = await retrieved(client, session)
    assert (paid["status"], paid["payment_status"], paid["url"]) == ("complete", "paid", None)
    assert paid["customer_details"]["email"] == "ada@example.com"
    await eventually(lambda: receiver.types == ALL_EVENTS)


async def test_the_payment_intent_carries_its_own_metadata_amount_and_charge(client, session, card):
    await client.post(page(session), data=card)
    paid = await retrieved(client, session, **{"expand[]": "payment_intent.latest_charge"})
    intent = paid["payment_intent"]
    assert intent["id"].startswith("pi_")
    assert (intent["status"], intent["amount"], intent["amount_received"]) == ("succeeded", 1499, 1499)
    assert intent["metadata"] == {"order_id": "order-1"}
    assert intent["latest_charge"]["payment_intent"] == intent["id"]
    assert intent["latest_charge"]["payment_method_details"]["card"]["last4"] == "4242"
    alone = (await client.get(f"/v1/payment_intents/{intent['id']}")).json()
    assert alone["latest_charge"] == intent["latest_charge"]["id"]


async def test_a_declined_card_is_told_so_and_the_session_stays_open(client, session, card):
    answer = await client.post(page(session), data=card | {"card_number": "4000000000000002"})
    assert answer.status_code == 402
    assert "Your card was declined." in answer.text
    assert (await retrieved(client, session))["status"] == "open"
    assert (await client.post(page(session), data=card)).status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        {"email": "nobody"},
        {"card_number": "1234 5678"},
        {"card_expiry": "12/20"},
        {"card_expiry": "soon"},
        {"card_cvc": ""},
    ],
)
async def test_a_wrongly_filled_form_is_refused_and_pays_nothing(client, session, card, change):
    answer = await client.post(page(session), data=card | change)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert (await retrieved(client, session))["status"] == "open"


async def test_paying_twice_is_impossible(client, session, card, app):
    await client.post(page(session), data=card)
    again = await client.post(page(session), data=card)
    assert again.status_code == 409
    assert "paid already" in again.text
    assert len(app.state.desk.store.charges) == 1


async def test_an_expired_session_cannot_be_paid(client, session, card):
    await client.post(f"{SESSIONS}/{session['id']}/expire")
    assert (await client.get(page(session))).status_code == 410
    assert (await client.post(page(session), data=card)).status_code == 410
    assert (await retrieved(client, session))["payment_status"] == "unpaid"


async def test_the_known_customer_need_not_enter_an_address(client, form, card):
    wanted = form | {"customer_email": "grace@example.com"}
    session = (await client.post(SESSIONS, data=wanted)).json()
    card.pop("email")
    assert (await client.post(page(session), data=card)).status_code == 303
    assert (await retrieved(client, session))["customer_details"]["email"] == "grace@example.com"


async def test_the_front_page_lists_sessions_and_deliveries(client, session, card, app, eventually):
    await client.post(page(session), data=card)
    await eventually(lambda: len(app.state.desk.store.deliveries) == 3)
    answer = await client.get("/")
    assert session["id"] in answer.text
    assert "checkout.session.completed" in answer.text
