"""What the service relies on, held against the real client on a simulator and against the mock."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from modelpick_checkout.errors import PaymentRefusedError, PaymentsUnavailableError, UnknownSessionError
from modelpick_checkout.orders.gateway import SessionRequest, SessionState
from modelpick_checkout.orders.mock_gateway import MockGateway
from modelpick_checkout.orders.stripe_gateway import StripeGateway
from modelpick_shared.ids import new_id

STRIPE_KEY = "sk_test_simulated"

# The client hands its encoded form to httpx in a way that httpx is about to give up.
pytestmark = [
    pytest.mark.connected,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture
def request_():
    return SessionRequest(
        order_id=new_id(),
        draft_id=new_id(),
        user_id=new_id(),
        email="ada@example.com",
        amount_cents=1499,
        currency="usd",
        expires_at=datetime.now(UTC) + timedelta(minutes=31),
        success_url="http://shop.test/checkout/success?session_id={CHECKOUT_SESSION_ID}",
        cancel_url="http://shop.test/checkout/cancel?draft_id=1",
    )


@pytest.fixture
async def stripe_gateway(stripe_address):
    gateway = StripeGateway(STRIPE_KEY, api_base=stripe_address)
    yield gateway
    await gateway.close()


@pytest.fixture(params=["stripe", "mock"])
def gateway(request):
    return request.getfixturevalue("stripe_gateway") if request.param == "stripe" else MockGateway()


async def test_the_same_order_always_has_the_same_session(gateway, request_):
    sessions = await asyncio.gather(*(gateway.create(request_) for _ in range(5)))
    assert len({session.id for session in sessions}) == 1
    assert sessions[0].url
    assert (await gateway.create(replace(request_, order_id=new_id()))).id != sessions[0].id


async def test_a_session_is_found_again(gateway, request_):
    created = await gateway.create(request_)
    assert (await gateway.retrieve(created.id)).state is created.state


async def test_a_session_that_does_not_exist_is_unknown(gateway):
    with pytest.raises(UnknownSessionError):
        await gateway.retrieve("cs_test_nothing")
    with pytest.raises(UnknownSessionError):
        await gateway.expire("cs_test_nothing")


async def test_an_open_session_is_expired_and_stays_so(stripe_gateway, request_):
    created = await stripe_gateway.create(request_)
    assert created.state is SessionState.OPEN
    for _ in range(2):
        assert (await stripe_gateway.expire(created.id)).state is SessionState.EXPIRED
    assert (await stripe_gateway.retrieve(created.id)).url is None


async def test_a_paid_session_says_so_even_when_it_is_to_be_expired(stripe_gateway, request_, pay):
    created = await stripe_gateway.create(request_)
    assert (await pay(created.url)).status_code == 303
    assert (await stripe_gateway.retrieve(created.id)).state is SessionState.PAID
    assert (await stripe_gateway.expire(created.id)).state is SessionState.PAID


async def test_the_session_carries_what_the_webhook_needs(stripe_gateway, stripe_address, request_, pay):
    created = await stripe_gateway.create(request_)
    await pay(created.url)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {STRIPE_KEY}"}) as stripe:
        found = (await stripe.get(f"{stripe_address}/v1/checkout/sessions/{created.id}")).json()
        intent = (await stripe.get(f"{stripe_address}/v1/payment_intents/{found['payment_intent']}")).json()
    metadata = {
        "order_id": str(request_.order_id),
        "draft_id": str(request_.draft_id),
        "user_id": str(request_.user_id),
    }
    assert found["metadata"] == intent["metadata"] == metadata
    assert found["client_reference_id"] == str(request_.draft_id)
    assert (found["amount_total"], found["currency"]) == (1499, "usd")
    assert intent["receipt_email"] == "ada@example.com"
    assert found["expires_at"] == int(request_.expires_at.timestamp())


async def test_the_version_the_price_and_the_key_are_our_own(stripe_gateway, request_, monkeypatch):
    sent = []
    client = stripe_gateway._http

    async def overheard(method, url, headers, post_data=None, **more):
        sent.append((headers, post_data))
        return await type(client).request_async(client, method, url, headers, post_data, **more)

    monkeypatch.setattr(client, "request_async", overheard)
    await stripe_gateway.create(request_)
    headers, body = sent[0]
    assert headers["Stripe-Version"] == "2026-10-28.endive"
    assert headers["Idempotency-Key"] == f"checkout-{request_.order_id}"
    assert "adaptive_pricing[enabled]=false" in str(body)
    assert "after_expiration" not in str(body)


async def test_a_request_that_stripe_does_not_accept_is_permanent(stripe_gateway, request_):
    with pytest.raises(PaymentRefusedError):
        await stripe_gateway.create(replace(request_, expires_at=datetime.now(UTC)))


async def test_a_refused_key_and_a_silent_stripe_may_get_better(stripe_address, request_):
    for key, address in (("sk_test_wrong", stripe_address), (STRIPE_KEY, "http://127.0.0.1:1")):
        gateway = StripeGateway(key, api_base=address)
        with pytest.raises(PaymentsUnavailableError):
            await gateway.retrieve("cs_test_1")
        await gateway.close()
