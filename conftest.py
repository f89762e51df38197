"""Fixtures for tests that need the real PostgreSQL or RabbitMQ. Nothing starts before a test asks for it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import structlog

from modelpick_local.session_servers import (
    BrokerServer,
    DatabaseServer,
    broker_server,
    database_name,
    database_server,
)

if TYPE_CHECKING:
    from modelpick_shared.broker import Service
    from modelpick_shared.db.grants import Role


@pytest.fixture(scope="session", autouse=True)
def short_tracebacks() -> None:
    """Log errors without the locals of every frame: printing those holds a test's event loop for seconds."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, renderer]
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[DatabaseServer]:
    """Serve PostgreSQL for the whole session."""
    with database_server() as server:
        yield server


@pytest.fixture(scope="session")
def database_url(postgres_server: DatabaseServer) -> Iterator[str]:
    """Return a migrated database that the whole session shares."""
    url = postgres_server.create()
    _migrate(url)
    postgres_server.admit_services(url)
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def template_database(postgres_server: DatabaseServer) -> Iterator[str]:
    """Return the name of a migrated database to copy; nobody connects to it."""
    url = postgres_server.create()
    _migrate(url)
    postgres_server.admit_services(url)
    yield database_name(url)
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def spare_databases(postgres_server: DatabaseServer) -> Iterator[list[str]]:
    """Keep what tests leave: copying the template takes 0.2 s where disks are slow, emptying one 5 ms."""
    spare: list[str] = []
    yield spare
    for url in spare:
        postgres_server.drop(url)


@pytest.fixture
def fresh_database_url(
    postgres_server: DatabaseServer, template_database: str, spare_databases: list[str]
) -> Iterator[str]:
    """Return a migrated database of the test's own, without rows."""
    url = spare_databases.pop() if spare_databases else postgres_server.create(template_database)
    shape = postgres_server.shape(url)
    yield url
    if postgres_server.empty(url) and postgres_server.shape(url) == shape:
        spare_databases.append(url)
    else:
        postgres_server.drop(url)


@pytest.fixture
def database_url_as(postgres_server: DatabaseServer, fresh_database_url: str) -> "Callable[[Role], str]":
    """Return a function: the address of the test's own database for a service's role."""
    return lambda role: postgres_server.url_as(role, fresh_database_url)


@pytest.fixture
def empty_database_url(postgres_server: DatabaseServer) -> Iterator[str]:
    """Return a database of the test's own without tables, for tests of the migrations."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[BrokerServer]:
    """Serve RabbitMQ for the whole session."""
    with broker_server() as server:
        yield server


@pytest.fixture(scope="session")
def broker_url(rabbit_server: BrokerServer) -> Iterator[str]:
    """Return a virtual host that the whole session shares."""
    url = rabbit_server.create_vhost()
    yield url
    rabbit_server.delete_vhost(url)


@pytest.fixture
def fresh_broker_url(rabbit_server: BrokerServer) -> Iterator[str]:
    """Return a virtual host of the test's own, so that queues of different tests never meet."""
    url = rabbit_server.create_vhost()
    yield url
    rabbit_server.delete_vhost(url)


@pytest.fixture
async def broker_url_as(rabbit_server: BrokerServer, fresh_broker_url: str) -> "Callable[[Service], str]":
    """Return a function: the address of the test's own virtual host for a service's user.

    The broker's owner has declared the queues of events there; those of models are left to the test.
    """
    from modelpick_shared.broker import BrokerConnector  # noqa: PLC0415 - only tests with a broker need it
    from modelpick_shared.broker.provision import provision  # noqa: PLC0415 - as above

    if rabbit_server.management_url is None:
        pytest.skip("the broker has no HTTP interface to make users with")
    await provision(BrokerConnector(fresh_broker_url, name="owner"), [])
    rabbit_server.admit_services(fresh_broker_url)
    return lambda service: rabbit_server.url_as(service, fresh_broker_url)


def _migrate(url: str) -> None:
    from modelpick_shared.db.migrate import upgrade  # noqa: PLC0415 - only tests with a database need it

    upgrade(url)
