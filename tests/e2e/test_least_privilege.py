"""In a running system every service has its own role and user, and no more than that in its environment."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import aiormq
import psycopg
import pytest

from modelpick_local.parts import SERVICES
from modelpick_shared.broker import BrokerConnector
from modelpick_shared.db.grants import Role
from modelpick_shared.db.roles import prefix_of, role_name

REFUSALS = ("InsufficientPrivilege", "permission denied", "ACCESS_REFUSED", "access_refused")
own_broker = pytest.mark.skipif(bool(os.environ.get("RABBITMQ_URL")), reason="the broker is somebody else's")


@pytest.fixture(scope="session")
def owners(system):
    return system.variables()["DATABASE_URL"]


def environment_of(system, service):
    return Path(f"/proc/{system.pid(service)}/environ").read_bytes().decode()


def test_every_service_is_at_the_database_under_its_own_role_alone(told, system, owners):
    with psycopg.connect(owners) as connection:
        rows = connection.execute(
            "SELECT DISTINCT application_name, usename FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = ANY(%s)",
            [[service.name for service in SERVICES]],
        ).fetchall()

    services = {role.value for role in Role} - {"simulator"}
    assert set(rows) == {(name, role_name(prefix_of(owners), Role(name))) for name in services}


@own_broker
def test_no_service_knows_the_owners_secrets_or_anothers(told, system):
    variables = system.variables()
    owners = {urlsplit(variables[name]).password for name in ("DATABASE_URL", "RABBITMQ_URL")}
    for service in SERVICES:
        environment = environment_of(system, service.name)
        mine = {urlsplit(url).password for url in system.variables_of(service.name).values() if "://" in url}
        others = {
            urlsplit(url).password
            for name, url in variables.items()
            if name.startswith(("DATABASE_URL_", "RABBITMQ_URL_"))
        } - mine
        assert not [secret for secret in owners | others if secret in environment], service.name


def test_the_worker_has_no_database(told, system):
    assert "DATABASE_URL" not in environment_of(system, "model-worker")


@pytest.mark.parametrize("name", ["checkout", "reports"])
def test_a_service_cannot_change_a_report_with_what_it_has(told, system, name):
    url = system.variables_of(name)["DATABASE_URL"]
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("UPDATE reports SET status = 'complete'")


@own_broker
async def test_a_service_cannot_read_anothers_queue_with_what_it_has(told, system):
    url = system.variables_of("checkout")["RABBITMQ_URL"]
    async with await BrokerConnector(url, name="test").connect() as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("notifier.mail.requested", ensure=False)
        with pytest.raises(aiormq.exceptions.ChannelAccessRefused):
            await queue.get(fail=False)


def test_nothing_was_refused_while_a_customer_bought_a_report(told, system):
    for service in SERVICES:
        text = (system.home.logs / f"{service.name}.log").read_text(errors="replace")
        assert not [word for word in REFUSALS if word in text], service.name
