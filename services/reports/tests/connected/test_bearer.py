import httpx
import pytest
from sqlalchemy import select

from modelpick_reports.app import build
from modelpick_shared.db.customers import User
from modelpick_shared.testing.identity_provider import AUDIENCE, ISSUER, IdentityProvider

pytestmark = pytest.mark.connected


@pytest.fixture
def provider():
    provider = IdentityProvider()
    with provider.serving():
        yield provider


@pytest.fixture
async def client(world, provider):
    known = {"auth_jwks_url": provider.url, "auth_issuer": ISSUER, "auth_audience": AUDIENCE}
    app = build(world.settings().model_copy(update=known))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client,
    ):
        yield client


async def test_a_bearer_token_reads_its_owners_reports_and_nobody_elses(world, client, provider):
    report = await world.a_report()
    async with world.database.transaction() as session:
        owner = await session.scalar(select(User.email).where(User.id == report.user_id))

    async def status_for(token):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return (await client.get(f"/api/reports/{report.id}", headers=headers)).status_code

    assert await status_for(provider.token(email=owner)) == 200
    assert await status_for(provider.token(email="bob@example.com")) == 404
    assert await status_for(provider.token(email=owner, aud="another")) == 401
    assert await status_for(None) == 401
    provider.status = 500
    assert await status_for(provider.token(email=owner, headers={"kid": "new"})) == 503
