import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select

from modelpick_shared.broker import BrokerConnector, OutgoingMessage, Service
from modelpick_shared.contracts import Envelope, MailRequested, MailTemplate, PaymentSeen
from modelpick_shared.db import Database, Outbox, OutboxRelay, insert_once
from modelpick_shared.db.tables import OutboxMessage, StripeEvent
from modelpick_shared.errors import BrokerUnavailableError, TransientError
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected


class BrokerStub:
    """Takes messages as the publisher does; refuses while `down`."""

    def __init__(self) -> None:
        self.taken: list[OutgoingMessage] = []
        self.down = False

    async def publish(self, message: OutgoingMessage) -> None:
        if self.down:
            raise BrokerUnavailableError("down")
        self.taken.append(message)


@pytest.fixture
async def database(fresh_database_url):
    async with Database(fresh_database_url, application="test") as database:
        yield database


@asynccontextmanager
async def relaying(database, broker, outbox):
    task = asyncio.create_task(OutboxRelay(database, broker, outbox).run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def put(database, outbox, *messages, **options):
    async with database.transaction() as session:
        await outbox.add(session, *messages, **options)


async def unsent(database):
    async with database.transaction() as session:
        return list(await session.scalars(select(OutboxMessage).where(OutboxMessage.sent_at.is_(None))))


async def all_sent(database):
    return not await unsent(database)


async def test_a_committed_message_is_published_at_once_in_order(database):
    broker, outbox = BrokerStub(), Outbox(Service.CHECKOUT)
    async with relaying(database, broker, outbox):
        await put(database, outbox, *(PaymentSeen(session_id=f"cs_{number}") for number in range(1200)))
        await eventually(lambda: len(broker.taken) == 1200)
        await eventually(lambda: all_sent(database))
    seen = [Envelope.model_validate_json(taken.body).unwrap(PaymentSeen).session_id for taken in broker.taken]
    assert seen == [f"cs_{number}" for number in range(1200)]


async def test_what_is_rolled_back_is_never_published(database):
    broker, outbox = BrokerStub(), Outbox(Service.CHECKOUT)

    async def fail_after_adding() -> None:
        async with database.transaction() as session:
            await outbox.add(session, PaymentSeen(session_id="cs_1"))
            raise KeyError

    with pytest.raises(KeyError):
        await fail_after_adding()
    assert not outbox.committed.is_set()
    await OutboxRelay(database, broker, outbox).relay_batch()
    assert not broker.taken


async def test_a_service_relays_its_own_rows_only(database):
    broker = BrokerStub()
    await put(database, Outbox(Service.WEBHOOK), PaymentSeen(session_id="cs_webhook"))
    checkout = Outbox(Service.CHECKOUT)
    await put(database, checkout, PaymentSeen(session_id="cs_checkout"))
    await OutboxRelay(database, broker, checkout).relay_batch()
    assert [b"cs_checkout" in taken.body for taken in broker.taken] == [True]


async def test_rows_wait_while_the_broker_is_down_and_go_when_it_is_back(database):
    broker, outbox = BrokerStub(), Outbox(Service.CHECKOUT)
    broker.down = True
    async with relaying(database, broker, outbox):
        await put(database, outbox, PaymentSeen(session_id="cs_1"))
        await eventually(lambda: not outbox.committed.is_set())
        assert len(await unsent(database)) == 1
        broker.down = False
        await eventually(lambda: all_sent(database))
    assert len(broker.taken) == 1


async def test_a_repeated_publish_carries_the_same_message_id(database):
    broker, outbox = BrokerStub(), Outbox(Service.CHECKOUT)
    await put(database, outbox, PaymentSeen(session_id="cs_1"))
    (row,) = await unsent(database)
    await OutboxRelay(database, broker, outbox).relay_batch()
    (taken,) = broker.taken
    assert taken.message_id == str(row.id) == str(Envelope.model_validate_json(taken.body).message_id)


async def test_a_body_with_a_secret_is_erased_once_it_is_sent(database):
    broker, outbox = BrokerStub(), Outbox(Service.CHECKOUT)
    mail = MailRequested(
        template=MailTemplate.SIGN_IN, to="a@example.com", idempotency_key="k", fields={"link": "secret"}
    )
    await put(database, outbox, mail, erase_body=True)
    await OutboxRelay(database, broker, outbox).relay_batch()
    assert b"secret" in broker.taken[0].body
    async with database.transaction() as session:
        assert (await session.scalars(select(OutboxMessage.body))).all() == [None]


async def test_two_relays_do_not_send_the_same_row(database):
    broker, outbox = BrokerStub(), Outbox(Service.CHECKOUT)
    await put(database, outbox, *(PaymentSeen(session_id=f"cs_{number}") for number in range(300)))
    relays = [OutboxRelay(database, broker, outbox) for _ in range(4)]
    await asyncio.gather(*(relay.relay_batch() for relay in relays))
    assert len(broker.taken) == len({taken.message_id for taken in broker.taken}) == 300


async def test_an_inbox_takes_an_event_once_among_many_at_once(database):
    async def take() -> bool:
        async with database.transaction() as session:
            return await insert_once(session, StripeEvent, id="evt_1", type="checkout.session.completed")

    assert sorted(await asyncio.gather(*(take() for _ in range(8)))) == [False] * 7 + [True]


async def test_a_database_that_is_away_is_a_transient_error():
    async with Database("postgresql://nobody@127.0.0.1:9/nothing", application="test") as database:
        with pytest.raises(TransientError):
            async with database.transaction() as session:
                await session.execute(select(1))
        assert await database.ping() == "database: OperationalError"


def test_the_broker_connector_keeps_every_host():
    assert len(BrokerConnector("amqp://a, amqp://b,", name="x")._urls) == 2
