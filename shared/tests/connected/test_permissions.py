"""Each service's user of the broker does its own work, and is refused all other."""

from contextlib import suppress

import aio_pika
import aiormq
import pytest
import pytest_asyncio

from modelpick_shared.broker import (
    BrokerConnector,
    Consumer,
    Exchange,
    OutgoingMessage,
    Publisher,
    QueueBrowser,
    Service,
    Verdict,
    broadcast_queue,
    dead_letter_queue,
    event_queue,
    model_queue,
    work_queues,
)
from modelpick_shared.broker.permissions import USERS
from modelpick_shared.broker.provision import provision
from modelpick_shared.broker.topology import subscriptions
from modelpick_shared.contracts import (
    MailRequested,
    PaymentSeen,
    ReportCompleted,
    ReportFailed,
    ReportPaid,
    ReportProgressed,
    RunFinished,
    WorkerAlive,
    WorkerClock,
)
from modelpick_shared.errors import BrokerUnavailableError
from modelpick_shared.ids import new_id

pytestmark = pytest.mark.connected

MODEL = "openai/gpt-5-mini"
REFUSED = aiormq.exceptions.ChannelAccessRefused
PUBLISHED = {
    Service.CHECKOUT: {PaymentSeen, MailRequested},
    Service.WEBHOOK: {ReportPaid, MailRequested},
    Service.ORCHESTRATOR: {ReportCompleted, ReportFailed, ReportProgressed, WorkerClock},
    Service.MODEL_WORKER: {RunFinished, WorkerAlive},
    Service.NOTIFIER: set(),
    Service.REPORTS: set(),
}
HEARD = {
    Service.ORCHESTRATOR: {WorkerAlive},
    Service.MODEL_WORKER: {WorkerAlive, WorkerClock},
    Service.REPORTS: {ReportProgressed, ReportCompleted, ReportFailed},
}
EVENTS = {message for messages in (*PUBLISHED.values(), *HEARD.values()) for message in messages}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owners_url(rabbit_server):
    """Return a virtual host that has everything that lasts, and the services' users."""
    if rabbit_server.management_url is None:
        pytest.skip("the broker has no HTTP interface to make users with")
    url = rabbit_server.create_vhost()
    await provision(BrokerConnector(url, name="owner"), [MODEL])
    rabbit_server.admit_services(url)
    yield url
    rabbit_server.delete_vhost(url)


@pytest.fixture
def url_as(rabbit_server, owners_url):
    return lambda service: rabbit_server.url_as(service, owners_url)


@pytest.fixture
async def connection_of(url_as):
    """Give what opens a service's connection."""
    opened = []

    async def connect(service):
        opened.append(await BrokerConnector(url_as(service), name="test").connect())
        return opened[-1]

    yield connect
    for connection in opened:
        await connection.close()


@pytest.fixture
async def may(connection_of):
    """Give what tries something on a channel of a service's user, and says whether it was let."""
    connections = {}

    async def attempt(service, work):
        if service not in connections:
            connections[service] = await connection_of(service)
        channel = await connections[service].channel(publisher_confirms=True, on_return_raises=False)
        try:
            await work(channel)
        except REFUSED:
            return False
        if not channel.is_closed:
            await channel.close()
        return True

    return attempt


def publishing(exchange, key):
    async def work(channel):
        there = await channel.get_exchange(exchange, ensure=False)
        await there.publish(aio_pika.Message(b"{}"), key, mandatory=False)

    return work


def reading(queue_name):
    async def work(channel):
        queue = await channel.get_queue(queue_name, ensure=False)
        with suppress(aiormq.exceptions.ChannelLockedResource):  # it may, and somebody else is at it
            await queue.get(fail=False, no_ack=True)

    return work


@pytest.mark.parametrize("service", USERS)
async def test_a_service_publishes_its_own_events_and_no_others(service, may):
    let = {event for event in EVENTS if await may(service, publishing("modelpick.events", event.TYPE))}

    assert let == PUBLISHED[service]


@pytest.mark.parametrize("service", USERS)
async def test_a_service_reads_its_own_queues_and_no_others(service, may):
    queues = [queue.name for queue in work_queues([MODEL])]
    let = {name for name in queues if await may(service, reading(name))}

    own = {event_queue(service, message).name for message in subscriptions(service)}
    assert let == (own | {model_queue(MODEL).name} if service is Service.MODEL_WORKER else own)


@pytest.mark.parametrize("service", USERS)
async def test_only_the_orchestrator_requests_runs(service, may):
    let = await may(service, publishing("modelpick.jobs", model_queue(MODEL).routing_key))

    assert let is (service is Service.ORCHESTRATOR)


@pytest.mark.parametrize("service", USERS)
async def test_a_service_lays_down_only_what_it_could_read(service, may):
    queues = [queue.name for queue in work_queues([MODEL])]
    let = {name for name in queues if await may(service, publishing("modelpick.dead", name))}

    own = {event_queue(service, message).name for message in subscriptions(service)}
    own |= {model_queue(MODEL).name} if service is Service.MODEL_WORKER else set()
    assert let == (set(queues) if service is Service.ORCHESTRATOR else own)


@pytest.mark.parametrize("service", USERS)
async def test_dead_letters_are_read_by_housekeeping_alone(service, may):
    queues = [dead_letter_queue(queue).name for queue in work_queues([MODEL])]
    let = {name for name in queues if await may(service, reading(name))}

    assert let == (set(queues) if service is Service.ORCHESTRATOR else set())


@pytest.mark.parametrize("service", USERS)
async def test_no_service_makes_removes_or_binds_what_lasts(service, may):
    queue = next(iter(work_queues([MODEL])))

    assert not await may(service, lambda channel: channel.exchange_delete("modelpick.events"))
    assert not await may(service, lambda channel: channel.queue_delete(queue.name))
    assert not await may(service, lambda channel: channel.declare_queue("mine", durable=True))
    assert not await may(service, publishing("", queue.name))
    for own in subscriptions(service):
        assert not await may(service, _binding(event_queue(service, own).name, "mail.requested"))


def _binding(queue_name, key):
    async def work(channel):
        queue = await channel.get_queue(queue_name, ensure=False)
        await queue.bind("modelpick.events", key)

    return work


@pytest.mark.parametrize("service", USERS)
async def test_a_replica_hears_what_is_meant_for_it_and_nothing_else(service, connection_of):
    async def hears(message_type):
        queue = broadcast_queue(service, str(new_id()), message_type)
        channel = await (await connection_of(service)).channel()
        try:
            await Consumer(
                queue, message_type, _acknowledge, prefetch=1, publisher=Publisher(_nowhere())
            ).start(channel)
        except REFUSED:
            return False
        return True

    let = {message for message in EVENTS if await hears(message)}

    assert let == HEARD.get(service, set())


@pytest.mark.parametrize("service", sorted(HEARD))
async def test_a_replicas_own_queue_is_not_bound_to_what_others_are_told(service, may):
    name = broadcast_queue(service, str(new_id()), next(iter(HEARD[service]))).name

    async def work(channel):
        queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
        await queue.bind("modelpick.events", MailRequested.TYPE)

    assert not await may(service, work)


async def test_a_publisher_of_a_service_whose_queues_are_there_needs_no_more(url_as, owners_url):
    connector = BrokerConnector(url_as(Service.CHECKOUT), name="test")
    queue = event_queue(Service.WEBHOOK, PaymentSeen)
    async with Publisher(connector, queues=[queue]) as publisher:
        await publisher.send(PaymentSeen(session_id="cs_1"))

    async with QueueBrowser(BrokerConnector(owners_url, name="owner")) as browser:
        assert await browser.purge(queue.name) == 1


async def test_what_a_service_may_not_publish_is_not_confirmed(url_as):
    connector = BrokerConnector(url_as(Service.REPORTS), name="test")
    async with Publisher(connector) as publisher:
        with pytest.raises(BrokerUnavailableError, match="not confirmed"):
            await publisher.publish(
                OutgoingMessage(Exchange.EVENTS.value, ReportPaid.TYPE, b"{}", ReportPaid.TYPE, str(new_id()))
            )


async def test_a_queue_that_is_missing_is_not_made_by_a_service(url_as):
    connector = BrokerConnector(url_as(Service.ORCHESTRATOR), name="test")
    async with Publisher(connector, queues=[model_queue("new/model")]) as publisher:
        with pytest.raises(BrokerUnavailableError, match="cannot open"):
            await publisher.connect()


async def test_what_lasts_may_be_declared_again_while_it_is_used(url_as, owners_url):
    owner = BrokerConnector(owners_url, name="owner")
    async with Publisher(BrokerConnector(url_as(Service.CHECKOUT), name="test")) as publisher:
        await publisher.send(PaymentSeen(session_id="cs_1"))
        await provision(owner, [MODEL])
        await publisher.send(PaymentSeen(session_id="cs_2"))

    name = event_queue(Service.WEBHOOK, PaymentSeen).name
    async with QueueBrowser(owner) as browser:
        assert await browser.purge(name) == 2


def _nowhere():
    return BrokerConnector("amqp://nobody@127.0.0.1:1/", name="test")


async def _acknowledge(_):
    return Verdict.ACK
