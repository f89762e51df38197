import pytest

from modelpick_shared.broker import (
    BrokerConnector,
    Exchange,
    OutgoingMessage,
    Publisher,
    QueueBrowser,
    Service,
    dead_letter_queue,
    event_queue,
)
from modelpick_shared.contracts import ReportPaid
from modelpick_shared.errors import BrokerUnavailableError
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

WORK = event_queue(Service.ORCHESTRATOR, ReportPaid)
DEAD = dead_letter_queue(WORK)


@pytest.fixture
async def publisher(fresh_broker_url):
    async with Publisher(BrokerConnector(fresh_broker_url, name="test"), queues=[WORK]) as publisher:
        await publisher.connect()
        yield publisher


@pytest.fixture
async def browser(fresh_broker_url, publisher):
    async with QueueBrowser(BrokerConnector(fresh_broker_url, name="test")) as browser:
        yield browser


@pytest.fixture
def lay_down(publisher):
    async def lay(*ids):
        for message_id in map(str, ids):
            headers = {"x-reason": message_id}
            letter = OutgoingMessage(
                Exchange.DEAD.value, WORK.name, b"body", "type", message_id, headers=headers
            )
            await publisher.publish(letter)

    return lay


async def ids_in(browser, name=DEAD.name, limit=None):
    async with browser.letters(name, limit=limit) as letters:
        return [int(letter.delivery.message_id) async for letter in letters]


async def test_a_queue_that_nobody_declared_has_no_counts(browser, lay_down):
    await lay_down(1, 2)
    counts = await browser.counts(["nothing", DEAD.name, WORK.name])
    assert counts == {"nothing": None, DEAD.name: (2, 0), WORK.name: (0, 0)}


async def test_letters_keep_their_order_however_many_are_looked_at(browser, lay_down):
    await lay_down(*range(40))
    for limit in (3, 15, None, 1):
        assert await ids_in(browser, limit=limit) == list(range(40))[:limit]
    assert await ids_in(browser) == list(range(40))


async def test_what_is_settled_is_gone_and_the_rest_stays_in_its_place(browser, lay_down):
    await lay_down(*range(20))
    async with browser.letters(DEAD.name) as letters:
        async for letter in letters:
            if letter.delivery.message_id in {"0", "7", "19"}:
                await letter.settle()
    assert await ids_in(browser) == [number for number in range(20) if number not in {0, 7, 19}]


async def test_letters_come_back_when_the_work_on_them_fails(browser, lay_down):
    async def fail():
        async with browser.letters(DEAD.name) as letters:
            async for _ in letters:
                raise ZeroDivisionError

    await lay_down(1, 2)
    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await ids_in(browser) == [1, 2]


async def test_letters_are_put_anew_before_the_broker_drops_them_for_being_looked_at(browser, lay_down):
    await lay_down(1, 2)
    looks = []
    for _ in range(25):
        async with browser.letters(DEAD.name) as letters:
            held = [letter async for letter in letters]
        looks += [letter._incoming.header.properties.headers.get("x-delivery-count", 0) for letter in held]
        assert [letter.delivery.message_id for letter in held] == ["1", "2"]
        assert [letter.delivery.headers for letter in held] == [{"x-reason": "1"}, {"x-reason": "2"}]
        assert {(letter.delivery.type, letter.delivery.body) for letter in held} == {("type", b"body")}
    assert 5 < max(looks) < 20


async def test_what_somebody_else_holds_is_not_waited_for(browser, lay_down):
    await lay_down(1, 2)
    async with browser.letters(DEAD.name) as held:
        assert [letter.delivery.message_id async for letter in held] == ["1", "2"]
        assert await ids_in(browser) == []
    assert await ids_in(browser) == [1, 2]


async def test_a_look_ends_when_the_letters_are_back_those_put_anew_among_them(
    browser, lay_down, monkeypatch
):
    await lay_down(1, 2)
    waited_for = []
    wait_until_back = browser._wait_until_back

    async def noted(name, letters):
        waited_for.append(letters)
        await wait_until_back(name, letters)

    monkeypatch.setattr(browser, "_wait_until_back", noted)
    for _ in range(15):
        async with browser.letters(DEAD.name) as letters:
            assert [letter.delivery.message_id async for letter in letters] == ["1", "2"]
    assert waited_for == [2] * 15


async def test_what_the_broker_itself_laid_down_says_why_and_since_when(browser, publisher):
    await publisher.send(ReportPaid(report_id=new_id()))
    async with browser.letters(WORK.name) as letters:
        async for letter in letters:
            incoming = letter._incoming
            await incoming.channel.basic_reject(incoming.delivery_tag, requeue=False)
            letter.is_settled = True

    async def laid_down():
        return (await browser.counts([DEAD.name]))[DEAD.name].ready

    await eventually(laid_down)
    async with browser.letters(DEAD.name) as letters:
        (headers,) = [letter.delivery.headers async for letter in letters]
    assert headers["x-reason"] == "the broker: rejected"
    assert headers["x-queue"] == WORK.name
    assert headers["x-first-failed-at"] == headers["x-last-failed-at"]
    assert not {name for name in headers if "death" in name}


async def test_purging_says_how_many_are_gone(browser, lay_down):
    await lay_down(1, 2, 3)
    assert await browser.purge(DEAD.name) == 3
    assert await browser.purge(DEAD.name) == 0
    assert await browser.purge("nothing") == 0


async def test_a_lost_connection_is_named(browser, lay_down):
    await lay_down(1)
    async with browser.letters(DEAD.name) as letters:
        (letter,) = [letter async for letter in letters]
        await browser._connection.close()
        with pytest.raises(BrokerUnavailableError):
            await letter.settle()
        with pytest.raises(BrokerUnavailableError):
            await browser.counts([DEAD.name])
        browser._connection = await browser._connector.connect()
    assert await ids_in(browser) == [1]
