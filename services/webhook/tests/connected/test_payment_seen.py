import asyncio

import httpx
import pytest

from modelpick_shared.broker import (
    BrokerConnector,
    Consumer,
    ConsumerGroup,
    Publisher,
    Service,
    Verdict,
    dead_letter_queue,
    event_queue,
)
from modelpick_shared.contracts import PaymentSeen, ReportPaid
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.reports import Report
from modelpick_shared.testing import eventually
from modelpick_webhook.errors import PaymentsUnavailableError, UnknownSessionError
from modelpick_webhook.mock_lookup import MockLookup
from modelpick_webhook.stripe_lookup import StripeLookup

STRIPE_KEY = "sk_test_simulated"

# The client hands its encoded form to httpx in a way that httpx is about to give up.
pytestmark = [
    pytest.mark.connected,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]

NOTHING = (["open"], ["ready"], 0, [])
FULFILLED = (["paid"], ["paid"], 1, ["report.paid"])
SEEN = event_queue(Service.WEBHOOK, PaymentSeen)


@pytest.fixture
def connector(fresh_broker_url):
    return BrokerConnector(fresh_broker_url, name="test")


@pytest.fixture
async def publisher(connector):
    async with Publisher(connector, queues=[SEEN]) as publisher:
        yield publisher


@pytest.fixture
async def paid_reports(connector, publisher):
    """Listen as the orchestrator does."""
    heard = []

    async def hear(message):
        heard.append(message.report_id)
        return Verdict.ACK

    queue = event_queue(Service.ORCHESTRATOR, ReportPaid)
    group = ConsumerGroup(connector, [Consumer(queue, ReportPaid, hear, prefetch=1, publisher=publisher)])
    task = asyncio.create_task(group.run())
    await eventually(lambda: group.ready)
    yield heard
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def waiting(connector):
    """Give what counts the messages that lie in a queue."""

    async def count(queue):
        connection = await connector.connect()
        async with connection:
            channel = await connection.channel()
            return (await channel.get_queue(queue.name)).declaration_result.message_count

    return count


@pytest.fixture
def dead_letters(waiting):
    return lambda: waiting(dead_letter_queue(SEEN))


@pytest.fixture
async def session_at_stripe(stripe_address, order, database):
    """Open the order's session at the simulator."""
    form = {
        "mode": "payment",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1499",
        "line_items[0][price_data][product_data][name]": "Report",
        "line_items[0][quantity]": "1",
        "success_url": "http://shop.test/checkout/success",
        "metadata[order_id]": str(order.id),
    }
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {STRIPE_KEY}"}) as stripe:
        session = (await stripe.post(f"{stripe_address}/v1/checkout/sessions", data=form)).json()
    async with database.transaction() as transaction:
        stored = await transaction.get(type(order), order.id)
        stored.stripe_session_id = session["id"]
    order.stripe_session_id = session["id"]
    return session


async def pay(session):
    card = {
        "email": "ada@example.com",
        "card_number": "4242424242424242",
        "card_expiry": "12/34",
        "card_cvc": "123",
    }
    async with httpx.AsyncClient() as browser:
        assert (await browser.post(session["url"], data=card)).status_code == 303


@pytest.fixture
async def stripe_lookup(stripe_address):
    lookup = StripeLookup(STRIPE_KEY, api_base=stripe_address)
    yield lookup
    await lookup.close()


@pytest.fixture
def service(settings_with, served_with, fresh_broker_url, stripe_address):
    """Give what runs the service with a broker and a Stripe."""

    def serve(**changes):
        return served_with(
            settings_with(rabbitmq_url=fresh_broker_url, stripe_api_base=stripe_address, **changes)
        )

    return serve


async def test_stripe_tells_what_the_session_is(stripe_lookup, session_at_stripe, order):
    assert not (await stripe_lookup.session(session_at_stripe["id"])).paid
    await pay(session_at_stripe)
    found = await stripe_lookup.session(session_at_stripe["id"])
    assert found.paid
    assert (found.order_id, found.amount_total, found.currency) == (order.id, 1499, "usd")
    assert found.livemode is False
    assert found.payment_intent.startswith("pi_")


@pytest.mark.parametrize("kind", ["stripe", "mock"])
async def test_a_session_that_does_not_exist_is_unknown(stripe_lookup, database, kind):
    lookup = stripe_lookup if kind == "stripe" else MockLookup(database)
    for session_id in ("cs_test_nothing", "cs_mock_01a1fc0220a37098a42535a6636dc8d3"):
        with pytest.raises(UnknownSessionError):
            await lookup.session(session_id)


async def test_a_refused_key_may_get_better(stripe_address):
    lookup = StripeLookup("sk_test_wrong", api_base=stripe_address)
    with pytest.raises(PaymentsUnavailableError):
        await lookup.session("cs_test_1")
    await lookup.close()


async def test_a_seen_payment_becomes_a_report_and_the_orchestrator_hears_of_it(
    service, session_at_stripe, publisher, paid_reports, state, *, rows
):
    await pay(session_at_stripe)
    async with service():
        await publisher.send(PaymentSeen(session_id=session_at_stripe["id"]))
        await eventually(lambda: paid_reports)
        assert await state() == FULFILLED
        assert paid_reports == [report.id for report in await rows(Report)]

        async def sent():
            return [message.sent_at for message in await rows(OutboxMessage)] != [None]

        await eventually(sent)


async def test_seen_payments_and_events_at_once_give_one_report(
    service, session_at_stripe, publisher, order, event_of, *, deliver, state, paid_reports, waiting
):
    await pay(session_at_stripe)
    seen = PaymentSeen(session_id=session_at_stripe["id"])
    async with service() as client:
        events = [deliver(client, event_of(order)) for _ in range(5)]
        answers = await asyncio.gather(*events, *(publisher.send(seen) for _ in range(5)))
        assert [answer.status_code for answer in answers[:5]] == [200] * 5
        await eventually(lambda: paid_reports)

        async def all_taken():
            return await waiting(SEEN) == 0

        await eventually(all_taken)
    # The service has finished what it held; what it had not would be back in the queue.
    assert await waiting(SEEN) == 0
    assert await state() == FULFILLED
    assert len(paid_reports) == 1


async def test_a_session_that_is_not_paid_changes_nothing(
    service, session_at_stripe, publisher, state, dead_letters
):
    async with service():
        await publisher.send(PaymentSeen(session_id=session_at_stripe["id"]))
        await publisher.send(PaymentSeen(session_id="cs_test_nothing"))
        await eventually(dead_letters)
    assert await state() == NOTHING
    assert await dead_letters() == 1


async def test_a_mock_session_is_paid_when_the_mock_is_on(service, order, publisher, state, *, paid_reports):
    async with service(debug_mock_stripe=True):
        await publisher.send(PaymentSeen(session_id=f"cs_mock_{order.id.hex}"))
        await eventually(lambda: paid_reports)
    assert await state() == FULFILLED


async def test_a_mock_session_is_worth_nothing_when_the_mock_is_off(
    service, order, publisher, state, *, dead_letters
):
    async with service():
        await publisher.send(PaymentSeen(session_id=f"cs_mock_{order.id.hex}"))
        await publisher.send(PaymentSeen(session_id="cs_test_nothing"))
        await eventually(dead_letters)
    assert await state() == NOTHING
    assert await dead_letters() == 1
