import asyncio

import pytest
from sqlalchemy import select

from modelpick_checkout.settings import CheckoutSettings
from modelpick_shared.db.customers import User
from modelpick_shared.settings import RateLimit
from modelpick_shared.testing.identity_provider import AUDIENCE, ISSUER, IdentityProvider

pytestmark = pytest.mark.connected


@pytest.fixture
def provider():
    provider = IdentityProvider()
    with provider.serving():
        yield provider


@pytest.fixture
def with_provider(settings, provider):
    """Return the settings of a service that knows the provider."""
    return CheckoutSettings(
        _env_file=None,
        **settings.model_dump(exclude={"auth_jwks_url", "auth_issuer", "auth_audience"}),
        auth_jwks_url=provider.url,
        auth_issuer=ISSUER,
        auth_audience=AUDIENCE,
    )


@pytest.fixture
async def client(with_provider, served_at):
    async with served_at(with_provider) as client:
        yield client


def bearing(token):
    return {"Authorization": f"Bearer {token}"}


async def test_a_bearer_token_is_the_account_of_its_address(client, provider, sign_in):
    by_token = (await client.get("/api/me", headers=bearing(provider.token(email="Ada@Example.com")))).json()
    await sign_in(client, "ada@example.com")
    assert by_token == (await client.get("/api/me")).json()


async def test_an_account_is_made_once_by_many_first_requests(client, provider, database):
    headers = bearing(provider.token())
    answers = await asyncio.gather(*(client.get("/api/me", headers=headers) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    async with database.transaction() as session:
        assert list(await session.scalars(select(User.email))) == ["ada@example.com"]


async def test_a_token_works_wherever_a_session_does_and_sees_its_own_only(client, provider):
    ada, bob = bearing(provider.token()), bearing(provider.token(email="bob@example.com"))
    draft = (await client.post("/api/drafts", json={"name": "Receipts"}, headers=ada)).json()
    assert (await client.get(f"/api/drafts/{draft['id']}", headers=ada)).status_code == 200
    foreign = await client.get(f"/api/drafts/{draft['id']}", headers=bob)
    missing = await client.get("/api/drafts/0198c9a0-0000-7000-8000-000000000000", headers=bob)
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json() | {"instance": ""} == missing.json() | {"instance": ""}
    assert (await client.get(f"/api/drafts/{draft['id']}")).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [{"aud": "x"}, {"iss": "x"}, {"exp": 1}, {"email_verified": False}, {"email": "a@b.com\nBcc: c@d.com"}],
    ids=str,
)
async def test_a_bad_token_is_a_401_even_beside_a_good_cookie(client, provider, sign_in, claims, database):
    await sign_in(client, "bob@example.com")
    answer = await client.get("/api/me", headers=bearing(provider.token(**claims)))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    async with database.transaction() as session:
        assert list(await session.scalars(select(User.email))) == ["bob@example.com"]


async def test_while_the_provider_is_away_cookies_go_on_working(client, provider, sign_in):
    await sign_in(client)
    provider.status = 503
    answer = await client.get("/api/me", headers=bearing(provider.token()))
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert (await client.get("/api/me")).status_code == 200


async def test_other_kinds_of_authorization_say_nothing(client, sign_in):
    await sign_in(client)
    for header in ("Basic YTpi", "Bearer", "bearer", "", "x"):
        answer = await client.get("/api/me", headers={"Authorization": header})
        assert answer.status_code == (401 if header.lower() == "bearer" else 200)


async def test_a_page_of_another_site_is_refused_whatever_it_bears(client, provider):
    headers = bearing(provider.token()) | {"Origin": "http://evil.test"}
    assert (await client.post("/api/drafts", json={}, headers=headers)).status_code == 403
    headers["Origin"] = "http://shop.test"
    assert (await client.post("/api/drafts", json={}, headers=headers)).status_code == 201


async def test_without_a_provider_a_bearer_token_says_nothing(settings, served_at, provider, sign_in):
    async with served_at(settings) as client:
        assert (await client.get("/api/me", headers=bearing(provider.token()))).status_code == 401
        await sign_in(client)
        assert (await client.get("/api/me", headers=bearing(provider.token()))).status_code == 200
    assert provider.fetches == 0


async def test_requests_of_a_bearer_are_limited_a_customer(with_provider, served_at, provider):
    settings = with_provider.model_copy(update={"rate_limit_uploads": RateLimit(2, 3600)})
    path = "/api/drafts/0198c9a0-0000-7000-8000-000000000000/images"
    ada, bob = bearing(provider.token()), bearing(provider.token(email="bob@example.com"))
    async with served_at(settings) as client:
        answers = [await client.post(path, headers=ada) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [404, 404, 429]
        assert (await client.post(path, headers=bob)).status_code == 404
