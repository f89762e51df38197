import httpx
import pytest

from modelpick_local.demo.customer import Customer


@pytest.fixture(scope="session")
def slow_system(system_with):
    """Run one system on which a report takes about five seconds: something may happen in its middle."""
    with system_with(SIMULATOR_LATENCY_MS="800-1200") as system:
        yield system


@pytest.fixture
async def story(told, system):
    """Return the story, its customer sitting in front of a browser again."""
    cookies = told.customer.client.cookies
    mail_url = system.simulators()["mail"]
    async with Customer.visiting(system.site_url, mail_url, told.customer.email) as customer:
        customer.client.cookies = cookies
        told.customer = customer
        yield told


@pytest.fixture
async def stranger(visit, system):
    """Return a browser that nobody is signed in with."""
    return await visit(system)


@pytest.fixture
def raw(system):
    """Return a function that sends one request to the site, as a program would, and gives the answer."""

    async def send(method, address, **arguments) -> httpx.Response:
        async with httpx.AsyncClient(base_url=system.site_url, trust_env=False, timeout=30) as client:
            return await client.request(method, address, **arguments)

    return send
