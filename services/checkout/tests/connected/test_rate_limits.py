import asyncio
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import func, select

from modelpick_checkout.settings import CheckoutSettings
from modelpick_shared.db.customers import DraftImage, RequestCount, SignInToken
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.payments import Order

pytestmark = pytest.mark.connected


@pytest.fixture
def limited(settings):
    """Give what makes settings with other limits."""

    def changed(**limits):
        return CheckoutSettings(_env_file=None, **settings.model_dump(exclude=set(limits)), **limits)

    return changed


@pytest.fixture
def stored(database):
    """Give what counts the rows of a table."""

    async def count(table):
        async with database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(table))

    return count


def ask(client, email="ada@example.com", ip="198.51.100.7"):
    return client.post("/api/auth/magic-link", json={"email": email}, headers={"X-Forwarded-For": ip})


def is_refusal(answer, within_s=3600):
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 429
    assert within_s - 30 < int(answer.headers["retry-after"]) <= within_s


async def test_an_address_gets_five_links_an_hour(client, stored):
    answers = [await ask(client, ip=f"198.51.100.{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    is_refusal(answers[5])
    assert (await stored(OutboxMessage), await stored(SignInToken)) == (5, 5)


async def test_another_spelling_is_the_same_address(client):
    spellings = [
        "ada@example.com",
        "ADA@example.com",
        "Ada@Example.Com ",
        " ada@EXAMPLE.com",
        "aDa@example.com",
    ]
    assert {(await ask(client, email)).status_code for email in spellings} == {202}
    is_refusal(await ask(client, "adA@example.com"))


async def test_a_machine_gets_twenty_links_an_hour(client, stored):
    answers = [await ask(client, f"customer-{number}@example.com") for number in range(21)]
    assert [answer.status_code for answer in answers] == [202] * 20 + [429]
    is_refusal(answers[20])
    assert (await stored(OutboxMessage), await stored(SignInToken)) == (20, 20)
    assert (await ask(client, "customer-20@example.com", "198.51.100.8")).status_code == 202


async def test_a_request_refused_for_its_address_does_not_count_for_the_machine(client):
    answers = [await ask(client) for _ in range(30)]
    assert [answer.status_code for answer in answers].count(202) == 5
    others = [await ask(client, f"customer-{number}@example.com") for number in range(16)]
    assert [answer.status_code for answer in others] == [202] * 15 + [429]


async def test_known_and_unknown_addresses_are_limited_alike(client, sign_in):
    await sign_in(client)
    known = [await ask(client, ip=f"198.51.100.{number}") for number in range(8)]
    unknown = [await ask(client, "nobody@example.com", f"198.51.100.{number}") for number in range(8)]
    assert [answer.status_code for answer in known[:4]] == [202] * 4
    assert [answer.status_code for answer in unknown[:5]] == [202] * 5
    assert {answer.status_code for answer in known[4:] + unknown[5:]} == {429}
    assert known[7].json() == unknown[7].json()


async def test_what_a_customer_claims_to_be_forwarded_for_does_not_count(client):
    forged = [f"1.2.3.{number}, 198.51.100.7" for number in range(21)]
    answers = [await ask(client, f"customer-{number}@example.com", ip) for number, ip in enumerate(forged)]
    assert [answer.status_code for answer in answers].count(202) == 20


async def test_the_header_counts_for_nothing_when_the_peer_is_not_trusted(limited, served_at):
    async with served_at(limited(trusted_proxies="10.0.0.0/8")) as client:
        answers = [
            await ask(client, f"c{number}@example.com", f"198.51.100.{number}") for number in range(21)
        ]
    assert [answer.status_code for answer in answers].count(202) == 20


async def test_a_network_of_ipv6_is_one_machine(client):
    answers = [await ask(client, f"c{number}@example.com", f"2001:db8:1:2::{number}") for number in range(21)]
    assert [answer.status_code for answer in answers].count(202) == 20
    assert (await ask(client, "another@example.com", "2001:db8:1:3::1")).status_code == 202


async def test_a_request_that_is_no_request_does_not_count(client):
    for _ in range(25):
        assert (await ask(client, "no address")).status_code == 422
    assert (await ask(client)).status_code == 202


async def test_addresses_of_people_and_machines_are_stored_hashed(client, database):
    await ask(client)
    async with database.transaction() as session:
        rows = list(await session.scalars(select(RequestCount)))
    assert {row.name for row in rows} == {"sign_in_per_address", "sign_in_per_ip"}
    assert {len(row.subject) for row in rows} == {32}


@pytest.mark.parametrize("by", ["address", "machine"])
async def test_of_fifty_at_once_at_two_replicas_exactly_the_limit_passes(settings, served_at, stored, by):
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(served_at(settings)) for _ in range(2)]
        requests = [
            ask(replicas[n % 2], ip=f"10.1.1.{n}") if by == "address" else ask(replicas[n % 2], f"c{n}@x.org")
            for n in range(50)
        ]
        answers = await asyncio.gather(*requests)
    passed = 5 if by == "address" else 20
    assert sorted(answer.status_code for answer in answers) == [202] * passed + [429] * (50 - passed)
    assert (await stored(OutboxMessage), await stored(SignInToken)) == (passed, passed)


async def test_uploads_are_limited_a_customer(limited, served_at, sign_in, png, stored):
    async with served_at(limited(rate_limit_uploads="3/h")) as client:
        await sign_in(client)
        draft = (await client.post("/api/drafts", json={})).json()
        answers = [
            await client.post(f"/api/drafts/{draft['id']}/images", files={"file": ("a.png", png(seed))})
            for seed in range(4)
        ]
        assert [answer.status_code for answer in answers] == [201] * 3 + [429]
        is_refusal(answers[3])
        assert await stored(DraftImage) == 3
        client.cookies.clear()
        await sign_in(client, "bob@example.com")
        assert (await client.post(f"/api/drafts/{draft['id']}/images")).status_code == 404


async def test_a_refused_upload_is_not_read(limited, served_at, sign_in):
    async def body():
        yield pytest.fail("the body was read")

    async with served_at(limited(rate_limit_uploads="1/h")) as client:
        await sign_in(client)
        draft = (await client.post("/api/drafts", json={})).json()
        path = f"/api/drafts/{draft['id']}/images"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert (await client.post(path, content=b"-", headers=headers)).status_code == 422
        is_refusal(await client.post(path, content=body(), headers=headers))


async def test_checkouts_are_limited_a_customer_and_across_replicas(
    limited, served_at, sign_in, ready_draft, stored
):
    settings = limited(rate_limit_checkouts="20/h", debug_mock_stripe=False, stripe_secret_key="sk_test_none")
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(served_at(settings)) for _ in range(2)]
        await sign_in(replicas[0])
        replicas[1].cookies = replicas[0].cookies
        body = {"draft_id": "0198c9a0-0000-7000-8000-000000000000"}
        requests = [replicas[number % 2].post("/api/checkout", json=body) for number in range(50)]
        answers = await asyncio.gather(*requests)
        assert sorted(answer.status_code for answer in answers) == [404] * 20 + [429] * 30
        draft = await ready_draft(replicas[0])
        is_refusal(await replicas[0].post("/api/checkout", json={"draft_id": draft["id"]}))
    assert await stored(Order) == 0


async def test_who_is_not_signed_in_is_asked_to_and_not_counted(client, stored):
    answers = [await client.post("/api/checkout", json={}) for _ in range(25)]
    assert {answer.status_code for answer in answers} == {401}
    assert await stored(RequestCount) == 0


async def test_limits_that_are_nought_are_off(limited, served_at, stored):
    off = limited(rate_limit_sign_in_per_address="0", rate_limit_sign_in_per_ip="0")
    async with served_at(off) as client:
        assert {(await ask(client)).status_code for _ in range(30)} == {202}
    assert await stored(RequestCount) == 0
