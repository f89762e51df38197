"""The real SDK against the simulator on a port."""

import httpx
import pytest
import stripe

from modelpick_simulators.stripe.app import create_app

# The SDK hands its encoded form to httpx as `data`, which httpx would rather have as `content`.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
async def address(settings, port, served, receiver):
    reachable = settings.model_copy(update={"simulator_public_url": ""})
    app = create_app(reachable, webhook_transport=httpx.MockTransport(receiver))
    async with served(app, port) as address:
        yield address


@pytest.fixture
async def sdk(address, settings):
    http_client = stripe.HTTPXClient()
    yield stripe.StripeClient(
        settings.stripe_secret_key.get_secret_value(),
        http_client=http_client,
        base_addresses={"api": address},
    )
    await http_client.close_async()


@pytest.fixture
def params():
    return {
        "mode": "payment",
        "line_items": [
            {
                "price_data": {"currency": "usd", "unit_amount": 1499, "product_data": {"name": "Report"}},
                "quantity": 1,
            }
        ],
        "allowed_payment_method_types": ["card"],
        "success_url": "http://shop.test/success?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.test/cancel",
        "client_reference_id": "draft-1",
        "metadata": {"order_id": "order-1"},
        "payment_intent_data": {"metadata": {"order_id": "order-1"}},
    }


async def test_a_session_is_created_paid_and_retrieved(sdk, params, card):
    session = await sdk.v1.checkout.sessions.create_async(params, {"idempotency_key": "order-1"})
    async with httpx.AsyncClient() as browser:
        assert (await browser.post(session.url, data=card)).status_code == 303
    paid = await sdk.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["line_items", "payment_intent"]}
    )
    assert (paid.status, paid.payment_status) == ("complete", "paid")
    assert paid.metadata["order_id"] == "order-1"
    assert paid.line_items.data[0].price.unit_amount == 1499
    intent = await sdk.v1.payment_intents.retrieve_async(paid.payment_intent.id)
    assert intent.metadata["order_id"] == "order-1"
    events = await sdk.v1.events.list_async({"types": ["checkout.session.completed"], "limit": 3})
    assert events.data[0].data.object["id"] == session.id


async def test_a_session_is_expired_and_listed(sdk, params):
    session = await sdk.v1.checkout.sessions.create_async(params)
    expired = await sdk.v1.checkout.sessions.expire_async(session.id)
    assert expired.status == "expired"
    listed = await sdk.v1.checkout.sessions.list_async({"status": "expired", "created": {"gte": 0}})
    assert [each.id for each in listed.data] == [session.id]


async def test_errors_become_the_sdks_exceptions(sdk, params):
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await sdk.v1.checkout.sessions.create_async(params | {"payment_method_types": ["card"]})
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "payment_method_types")
    await sdk.v1.checkout.sessions.create_async(params, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        await sdk.v1.checkout.sessions.create_async(
            params | {"client_reference_id": "other"}, {"idempotency_key": "k"}
        )


async def test_a_wrong_key_is_an_authentication_error(address, params):
    http_client = stripe.HTTPXClient()
    sdk = stripe.StripeClient("sk_test_wrong", http_client=http_client, base_addresses={"api": address})
    with pytest.raises(stripe.AuthenticationError):
        await sdk.v1.checkout.sessions.create_async(params)
    await http_client.close_async()
