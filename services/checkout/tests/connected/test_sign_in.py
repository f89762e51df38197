import asyncio
import json
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, event, select, text

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


async def new_token(client, sent):
    await client.post("/api/auth/magic-link", json={"email": "ada@example.com"})
    return json.loads((await sent("mail.requested"))[-1])["data"]["fields"]["link"].split("token=")[1]


async def test_the_page_leads_back_to_where_the_sign_in_page_was_asked_from(client, sent):
    wanted = "/benchmark/new?draft=1&step=review"
    way_back = {"Cookie": f"modelpick_next={quote(wanted, safe='')}"}
    data = {"token": await new_token(client, sent)}
    clicked = await client.post("/auth/verify", data=data, headers=way_back)
    assert (clicked.status_code, clicked.headers["location"]) == (303, wanted)
    assert any(
        header.startswith('modelpick_next=""; ') and "Path=/auth" in header
        for header in clicked.headers.get_list("set-cookie")
    )
    again = await client.post("/auth/verify", data=data, headers=way_back)
    assert again.status_code == 400
    assert f'href="/login?next={quote(wanted, safe="")}"' in again.text


async def test_a_link_that_was_used_leads_on_whoever_is_signed_in_already(client, sent):
    data = {"token": await new_token(client, sent)}
    for status in (303, 400):
        answer = await client.post("/auth/verify", data=data)
        assert answer.status_code == status
    assert "ada@example.com" in answer.text
    assert 'href="/benchmark/new"' in answer.text


async def test_the_page_escapes_what_it_is_given(client):
    page = await client.get("/auth/verify", params={"token": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text


async def test_a_page_of_another_site_cannot_sign_anybody_in(client):
    answer = await client.post("/auth/verify", data={"token": "x"}, headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403


async def test_every_sign_in_is_a_session_of_its_own_and_ends_the_browsers_last_one(client, sign_in):
    await sign_in(client)
    first = client.cookies["modelpick_session"]
    await sign_in(client)
    second = client.cookies["modelpick_session"]
    assert first != second
    assert (await client.get("/api/me")).status_code == 200
    client.cookies.clear()
    client.cookies.set("modelpick_session", first)
    assert (await client.get("/api/me")).status_code == 401


async def test_a_session_on_another_machine_goes_on(settings, served_at, sign_in):
    async with served_at(settings) as phone, served_at(settings) as laptop:
        await sign_in(phone)
        await sign_in(laptop)
        await laptop.post("/api/auth/logout")
        assert (await phone.get("/api/me")).status_code == 200
        assert (await laptop.get("/api/me")).status_code == 401


async def test_a_cookie_from_elsewhere_does_not_become_a_session(client, sign_in):
    planted = "chosen-by-somebody-else"
    client.headers["Cookie"] = f"modelpick_session={planted}"
    await sign_in(client)
    del client.headers["Cookie"]
    assert client.cookies["modelpick_session"] != planted
    client.cookies.clear()
    client.cookies.set("modelpick_session", planted)
    assert (await client.get("/api/me")).status_code == 401


async def test_a_session_ends_after_thirty_days(customer, database):
    async with database.transaction() as session:
        lifetime = await session.scalar(text("SELECT expires_at - now() FROM sessions"))
        assert timedelta(days=30) - timedelta(minutes=1) < lifetime <= timedelta(days=30)
        await session.execute(text("UPDATE sessions SET expires_at = now()"))
    assert (await customer.get("/api/me")).status_code == 401


async def test_a_link_lives_fifteen_minutes(client, database):
    await client.post("/api/auth/magic-link", json={"email": "ada@example.com"})
    async with database.transaction() as session:
        lifetime = await session.scalar(text("SELECT expires_at - created_at FROM sign_in_tokens"))
    assert lifetime == timedelta(minutes=15)


async def test_the_same_work_is_done_for_known_and_unknown_addresses(client, sign_in):
    await sign_in(client)
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    work = {}
    for email in ("ada@example.com", "nobody@example.com"):
        statements.clear()
        await client.post("/api/auth/magic-link", json={"email": email})
        work[email] = [statement for statement in statements if "FROM outbox" not in statement]
    event.remove(Engine, "before_cursor_execute", note)
    assert work["ada@example.com"] == work["nobody@example.com"]
    assert len([statement for statement in work["ada@example.com"] if "INSERT" in statement]) == 4


@pytest.mark.parametrize(
    ("written", "email"),
    [
        ("  Ada@Example.COM ", "ada@example.com"),
        ("ada@B\u00fccher.example", "ada@xn--bcher-kva.example"),
        ("ada+receipts@example.com", "ada+receipts@example.com"),
    ],
)
async def test_spellings_of_an_address_are_one_account(client, sent, written, email):
    answer = await client.post("/api/auth/magic-link", json={"email": written})
    assert answer.status_code == 202
    assert json.loads((await sent("mail.requested"))[0])["data"]["to"] == email


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "\r\nada@example.com",
        "ada\n@example.com",
        "ada@example.com\u2028",
        "ada@example.com\x00",
        "ada@example.com, eve@example.com",
        "ada@example.com;eve@example.com",
        "Ada <ada@example.com>",
        '"ada\\r\\nBcc: eve"@example.com',
        "\u0430da@example.com",
        "a" * 255 + "@example.com",
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_what_could_end_in_another_header_is_no_address(client, sent, address):
    answer = await client.post("/api/auth/magic-link", json={"email": address})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/email"
    assert await sent("mail.requested") == []
