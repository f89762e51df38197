"""Dead letters go after their time. All others stay, in their order."""

from datetime import UTC, datetime, timedelta

import pytest

from modelpick_shared.broker import (
    BrokerConnector,
    Delivery,
    Exchange,
    OutgoingMessage,
    Publisher,
    QueueBrowser,
    Service,
    dead_letter_queue,
    event_queue,
    model_queue,
)
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import ReportPaid
from modelpick_shared.db import Database
from modelpick_shared.db.tables import ReportModel
from modelpick_shared.errors import BrokerUnavailableError
from modelpick_shared.housekeeping.dead_letters import DeadLetters, failed_before
from modelpick_shared.ids import new_id
from modelpick_shared.testing import config_snapshot, insert_report

pytestmark = pytest.mark.connected

WORK = event_queue(Service.ORCHESTRATOR, ReportPaid)
FORMER_MODEL = "gone/model-1"
AGE = timedelta(days=30)


@pytest.fixture
async def database(fresh_database_url):
    async with Database(fresh_database_url, application="test") as database:
        yield database


@pytest.fixture
def connector(fresh_broker_url):
    return BrokerConnector(fresh_broker_url, name="test")


@pytest.fixture
def chore(database, connector):
    return DeadLetters(database, connector, load_catalog(), AGE)


@pytest.fixture
async def lay_down(connector):
    """Give what lays down letters that failed so many days ago; None does not say when."""
    async with Publisher(connector, queues=[WORK, model_queue(FORMER_MODEL)]) as publisher:
        await publisher.connect()

        async def lay(*days, queue=WORK, header="x-last-failed-at"):
            for number, age in enumerate(days):
                failed_at = "nobody knows" if age is None else days_ago(age)
                body = b"no envelope"
                letter = OutgoingMessage(
                    Exchange.DEAD.value, queue.name, body, "t", str(number), headers={header: failed_at}
                )
                await publisher.publish(letter)

        yield lay


@pytest.fixture
def left(connector):
    """Give what reads the ids of the letters of a queue and leaves them there."""

    async def read(queue=WORK):
        name = dead_letter_queue(queue).name
        async with QueueBrowser(connector) as browser, browser.letters(name) as letters:
            return [letter.delivery.message_id async for letter in letters]

    return read


def days_ago(days):
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


async def test_old_letters_go_and_the_others_stay_in_their_order(chore, lay_down, left):
    await lay_down(40, 29, 31, None, 1)
    assert await chore.count() == 2
    assert await left() == ["0", "1", "2", "3", "4"]
    assert await chore.remove() == 2
    assert await left() == ["1", "3", "4"]
    assert await chore.remove() == 0


async def test_of_a_letter_that_came_back_the_last_failure_counts(chore, lay_down, left):
    await lay_down(31, header="x-first-failed-at")
    assert await chore.remove() == 1
    assert await left() == []


async def test_letters_of_a_model_that_left_the_catalogue_go_as_well(chore, lay_down, left, database):
    former = model_queue(FORMER_MODEL)
    await lay_down(31, queue=former)
    assert await chore.remove() == 0
    async with database.transaction() as session:
        report = await insert_report(session, config_snapshot())
        session.add(ReportModel(report_id=report.id, model_id=FORMER_MODEL, position=0, total=1))
    assert await chore.remove() == 1
    assert await left(former) == []


async def test_more_than_a_page_goes_in_pages(chore, lay_down, left, monkeypatch):
    monkeypatch.setattr("modelpick_shared.housekeeping.dead_letters.PAGE", 2)
    await lay_down(40, 39, 38, 37, 36, 1)
    assert await chore.remove() == 5
    assert await left() == ["5"]


async def test_without_a_broker_it_says_so(database):
    nobody = BrokerConnector("amqp://guest:guest@127.0.0.1:1/", name="test")
    with pytest.raises(BrokerUnavailableError):
        await DeadLetters(database, nobody, load_catalog(), AGE).remove()


def test_an_envelope_says_when_a_letter_that_does_not_was_sent():
    sent = OutgoingMessage.of(ReportPaid(report_id=new_id()))
    delivery = Delivery(sent.body, sent.type, sent.message_id, None, {}, redelivered=False)
    now = datetime.now(UTC)
    assert failed_before(delivery, now + timedelta(minutes=1))
    assert not failed_before(delivery, now - timedelta(minutes=1))
