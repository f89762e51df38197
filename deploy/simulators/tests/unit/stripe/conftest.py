import httpx
import pytest

from modelpick_simulators.stripe.app import create_app
from modelpick_simulators.stripe.settings import StripeSettings

KEY = "sk_test_simulated"
SECRETS = "whsec_new,whsec_old"


class Receiver:
    """Takes webhooks and answers what it is told to; 200 when it was told nothing."""

    def __init__(self):
        self.requests = []
        self.answers = []

    def __call__(self, request):
        self.requests.append(request)
        return httpx.Response(self.answers.pop(0) if self.answers else 200)

    @property
    def types(self):
        return {request.read().decode().rsplit('"type": "', 1)[1].split('"')[0] for request in self.requests}


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def settings(port):
    return StripeSettings(
        simulator_port=port,
        simulator_public_url="http://stripe.test/",
        stripe_secret_key=KEY,
        stripe_webhook_secret=SECRETS,
        stripe_webhook_url="http://shop.test/webhook",
    )


@pytest.fixture
def app(settings, receiver, clock):
    return create_app(settings, clock=clock, webhook_transport=httpx.MockTransport(receiver))


@pytest.fixture
async def client(app, in_process):
    async with in_process(app, headers={"Authorization": f"Bearer {KEY}"}) as client:
        yield client


@pytest.fixture
def form():
    return {
        "mode": "payment",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1499",
        "line_items[0][price_data][product_data][name]": "Report <24 models>",
        "line_items[0][quantity]": "1",
        "success_url": "http://shop.test/checkout/success?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.test/checkout/cancel",
        "client_reference_id": "draft-1",
        "metadata[order_id]": "order-1",
        "payment_intent_data[metadata][order_id]": "order-1",
    }


@pytest.fixture
def card():
    return {
        "email": "ada@example.com",
        "card_number": "4242 4242 4242 4242",
        "card_expiry": "12 / 34",
        "card_cvc": "123",
    }


@pytest.fixture
async def session(client, form):
    return (await client.post("/v1/checkout/sessions", data=form)).json()
