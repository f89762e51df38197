import asyncio
import json

import pytest
from sqlalchemy import select, text

from modelpick_shared.db.customers import SignInToken, User, UserSession

pytestmark = pytest.mark.connected


async def test_a_link_signs_in_once_and_makes_the_account(client, sign_in):
    assert (await client.get("/api/me")).status_code == 401
    token = await sign_in(client, "ada@example.com")
    me = (await client.get("/api/me")).json()
    assert me["email"] == "ada@example.com"
    again = await client.post("/api/auth/verify", json={"token": token})
    assert again.status_code == 400
    assert again.headers["content-type"] == "application/problem+json"


async def test_of_two_clicks_at_once_only_one_signs_in(client, sent):
    await client.post("/api/auth/magic-link", json={"email": "ada@example.com"})
    token = json.loads((await sent("mail.requested"))[0])["data"]["fields"]["link"].split("token=")[1]
    clicks = [client.post("/api/auth/verify", json={"token": token}) for _ in range(8)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*clicks))
    assert statuses == [200] + [400] * 7


async def test_the_same_address_is_the_same_account(client, sign_in):
    await sign_in(client)
    first = (await client.get("/api/me")).json()
    await sign_in(client)
    assert (await client.get("/api/me")).json() == first


async def test_an_expired_link_does_not_work(client, sent, database):
    await client.post("/api/auth/magic-link", json={"email": "ada@example.com"})
    token = json.loads((await sent("mail.requested"))[0])["data"]["fields"]["link"].split("token=")[1]
    async with database.transaction() as session:
        await session.execute(text("UPDATE sign_in_tokens SET expires_at = now()"))
    assert (await client.post("/api/auth/verify", json={"token": token})).status_code == 400


async def test_tokens_are_stored_hashed_and_the_mail_is_erased_once_sent(client, sign_in, database):
    token = await sign_in(client)
    cookie = client.cookies["modelpick_session"]
    async with database.transaction() as session:
        stored = [*await session.scalars(select(SignInToken.token_hash))]
        stored += await session.scalars(select(UserSession.token_hash))
        erased = await session.scalar(text("SELECT erase_body FROM outbox"))
    assert [len(digest) for digest in stored] == [32, 32]
    assert token.encode() not in stored
    assert cookie.encode() not in stored
    assert erased is True


async def test_the_mail_has_the_tokens_id_as_its_key(client, sent, database):
    await client.post("/api/auth/magic-link", json={"email": "Ada@Example.com"})
    data = json.loads((await sent("mail.requested"))[0])["data"]
    async with database.transaction() as session:
        token_id = await session.scalar(select(SignInToken.id))
    assert data["to"] == "ada@example.com"
    assert data["template"] == "sign_in"
    assert data["idempotency_key"] == f"sign-in/{token_id}"
    assert data["fields"]["link"].startswith("http://shop.test/auth/verify?token=")


async def test_the_cookie_is_kept_from_scripts_and_other_sites(client, sent):
    await client.post("/api/auth/magic-link", json={"email": "ada@example.com"})
    token = json.loads((await sent("mail.requested"))[0])["data"]["fields"]["link"].split("token=")[1]
    cookie = (await client.post("/api/auth/verify", json={"token": token})).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Max-Age=2592000" in cookie
    assert "Secure" not in cookie


async def test_on_https_the_cookie_is_secure(settings, served_at, sent):
    async with served_at(settings.model_copy(update={"site_url": "https://shop.test"})) as client:
        await client.post("/api/auth/magic-link", json={"email": "ada@example.com"})
        token = json.loads((await sent("mail.requested"))[0])["data"]["fields"]["link"].split("token=")[1]
        verified = await client.post("/api/auth/verify", json={"token": token})
    assert "Secure" in verified.headers["set-cookie"]


async def test_signing_out_revokes_the_session(customer):
    cookie = customer.cookies["modelpick_session"]
    assert (await customer.post("/api/auth/logout")).status_code == 204
    assert "modelpick_session" not in customer.cookies
    customer.cookies.set("modelpick_session", cookie)
    assert (await customer.get("/api/me")).status_code == 401
    assert (await customer.post("/api/auth/logout")).status_code == 204


async def test_known_and_unknown_addresses_get_the_same_answer(client, sign_in):
    await sign_in(client)
    answers = [
        await client.post("/api/auth/magic-link", json={"email": email})
        for email in ("ada@example.com", "nobody@example.com")
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"")}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"null",
        b"[]",
        b'"x"',
        b'{"email": 5}',
        b'{"email": "ada"}',
        b"\xff",
        b"[" * 100000,
        b'{"email": "\\ud800@example.com"}',
        b'{"email": "a@example.com", "email": "b@example.com"}',
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.parametrize("path", ["/api/auth/magic-link", "/api/auth/verify", "/api/checkout"])
async def test_a_bad_body_is_a_422_and_never_a_500(customer, path, body):
    answer = await customer.post(path, content=body)
    assert answer.status_code in {422, 503}
    assert answer.headers["content-type"] == "application/problem+json"
    if "checkout" not in path:
        assert answer.status_code == 422
        assert {"pointer", "detail"} == set(answer.json()["errors"][0])


async def test_the_page_signs_in_on_a_click_and_not_by_being_looked_at(client, sent, database):
    await client.post("/api/auth/magic-link", json={"email": "ada@example.com"})
    token = json.loads((await sent("mail.requested"))[0])["data"]["fields"]["link"].split("token=")[1]
    page = await client.get("/auth/verify", params={"token": token})
    assert page.status_code == 200
    assert f'value="{token}"' in page.text
    assert '<meta name="referrer" content="same-origin">' in page.text
    async with database.transaction() as session:
        assert await session.scalar(select(User.id)) is None
    clicked = await client.post("/auth/verify", data={"token": token}, headers={"Origin": "http://shop.test"})
    assert (clicked.status_code, clicked.headers["location"]) == (303, "/benchmark/new")
    assert (await client.get("/api/me")).status_code == 200
    assert (await client.post("/auth/verify", data={"token": token})).status_code == 400


async def test_the_page_escapes_what_it_is_given(client):
    page = await client.get("/auth/verify", params={"token": '"><script>alert(1)</script>'})
    assert "<script" not in page.text


async def test_a_page_of_another_site_cannot_sign_anybody_in(client):
    answer = await client.post("/auth/verify", data={"token": "x"}, headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403
