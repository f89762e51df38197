import asyncio

import pytest
from sqlalchemy import update

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
from modelpick_shared.contracts import PaymentSeen, ReportFailed, ReportPaid
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.payments import Refund
from modelpick_shared.db.reports import Report
from modelpick_shared.testing import eventually
from modelpick_webhook.errors import PaymentsUnavailableError, UnknownSessionError
from modelpick_webhook.mock_lookup import MockLookup
from modelpick_webhook.stripe_gateway import StripeGateway

STRIPE_KEY = "sk_test_simulated"

# The client hands its encoded form to httpx in a way that httpx is about to give up.
pytestmark = [
    pytest.mark.connected,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]

NOTHING = (["open"], ["ready"], 0, [])
FULFILLED = (["paid"], ["paid"], 1, ["report.paid"])
SEEN = event_queue(Service.WEBHOOK, PaymentSeen)
FAILED = event_queue(Service.WEBHOOK, ReportFailed)


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
def service(settings_with, served_with, broker_url_as, stripe_address):
    """Give what runs the service with a broker and a Stripe."""

    def serve(**changes):
        return served_with(
            settings_with(
                rabbitmq_url=broker_url_as(Service.WEBHOOK), stripe_api_base=stripe_address, **changes
            )
        )

    return serve


async def test_stripe_tells_what_the_session_is(gateway, session_at_stripe, order, pay):
    assert not (await gateway.session(session_at_stripe["id"])).paid
    await pay(session_at_stripe)
    found = await gateway.session(session_at_stripe["id"])
    assert found.paid
    assert (found.order_id, found.amount_total, found.currency) == (order.id, 1499, "usd")
    assert found.livemode is False
    assert found.payment_intent.startswith("pi_")


@pytest.mark.parametrize("kind", ["stripe", "mock"])
async def test_a_session_that_does_not_exist_is_unknown(gateway, service_database, kind):
    lookup = gateway if kind == "stripe" else MockLookup(service_database)
    for session_id in ("cs_test_nothing", "cs_mock_01a1fc0220a37098a42535a6636dc8d3"):
        with pytest.raises(UnknownSessionError):
            await lookup.session(session_id)


async def test_a_refused_key_may_get_better(stripe_address):
    lookup = StripeGateway("sk_test_wrong", api_base=stripe_address)
    with pytest.raises(PaymentsUnavailableError):
        await lookup.session("cs_test_1")
    await lookup.close()


async def test_a_seen_payment_becomes_a_report_and_the_orchestrator_hears_of_it(
    service, session_at_stripe, publisher, paid_reports, state, *, rows, pay
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
    service, session_at_stripe, publisher, order, event_of, *, deliver, state, paid_reports, waiting, pay
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


async def test_a_failed_report_is_paid_back_through_the_broker_once(
    service, session_at_stripe, pay, stripe, database, *, state, rows, connector
):
    await pay(session_at_stripe)
    async with service(), Publisher(connector, queues=[FAILED]) as publisher:

        async def fulfilled():
            return await state() == FULFILLED

        await eventually(fulfilled)
        async with database.transaction() as session:
            await session.execute(update(Report).values(status="failed"))
        (report,) = await rows(Report)
        failed = ReportFailed(report_id=report.id, status="failed", email=report.email, reason="nothing")
        for _ in range(2):  # delivered twice
            await publisher.send(failed)

        async def paid_back():
            return [row.state for row in await rows(Refund)] == ["succeeded"]

        await eventually(paid_back)
    assert len((await stripe.get("/v1/refunds")).json()["data"]) == 1


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
