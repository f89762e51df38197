"""A database and a broker for a test session: the address in the environment, Docker, or the native ones."""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import psycopg
from psycopg import sql

from modelpick_local import containers
from modelpick_local.errors import PartFailedError
from modelpick_local.health import wait_healthy
from modelpick_local.postgres import OWNER, NativePostgres
from modelpick_local.rabbit import USER, NativeRabbit
from modelpick_shared.broker import Service
from modelpick_shared.broker.definitions import definitions, vhost_of
from modelpick_shared.broker.permissions import USERS, user_name, user_url
from modelpick_shared.db.grants import Role
from modelpick_shared.db.roles import establish, remove, role_url

_CONTAINER_TIMEOUT_S = 90.0
_HTTP_TIMEOUT_S = 30.0
_MANAGEMENT_PORT = 15672
_NOTED_CHARACTERS = 4000


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
_CUT_OFF = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_SHAPE = """
SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_attribute),
    (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_trigger),
    (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_namespace),
    (SELECT max(oid::bigint) FROM pg_namespace)
"""


@dataclass(frozen=True)
class DatabaseServer:
    """A PostgreSQL on which databases may be made and dropped, with a set of the services' roles."""

    url: str
    role_prefix: str = field(default_factory=lambda: f"test_{uuid.uuid4().hex[:12]}")
    passwords: Mapping[Role, str] = field(default_factory=lambda: {role: uuid.uuid4().hex for role in Role})

    def create(self, template: str | None = None) -> str:
        """Make a database, empty or as a copy of another one nobody is connected to; return its URL."""
        name = f"test_{uuid.uuid4().hex}"
        source = sql.Identifier(template or "template0")
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))
        return _with_path(self.url, name)

    def shape(self, url: str) -> tuple[int, ...]:
        """Return what tells whether a database's tables are as they were: how many things define them.

        A schema that was made anew, as by restoring a back-up, has lost the grants of the services' roles.
        """
        with psycopg.connect(url) as connection:
            row = connection.execute(_SHAPE).fetchone()
        return tuple(row or ())

    def empty(self, url: str) -> bool:
        """Delete all rows but the revision of the tables; cut off who is still connected.

        False when that cannot be done: for lack of rights, or because somebody does not let go.
        """
        try:
            with psycopg.connect(url) as connection:
                connection.execute(_CUT_OFF)
                connection.execute("SET session_replication_role = replica")  # in any order of the tables
                connection.execute("SET lock_timeout = '2s'")
                tables = [sql.Identifier(name) for (name,) in connection.execute(_TABLES).fetchall()]
                connection.execute(
                    sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(table) for table in tables)
                )
        except psycopg.Error:
            return False
        return True

    def admit_services(self, url: str) -> None:
        """Give the services' roles their grants in a migrated database, and so in its copies."""
        establish(url, self.passwords, prefix=self.role_prefix)

    def url_as(self, role: Role, url: str) -> str:
        """Return a database's address for the role of a service that was admitted to it."""
        return role_url(url, role, self.passwords[role], prefix=self.role_prefix)

    def drop(self, url: str) -> None:
        """Drop a database, and the roles that a system made for it."""
        with contextlib.suppress(psycopg.OperationalError):
            remove(url)
        name = sql.Identifier(database_name(url))
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@dataclass(frozen=True)
class BrokerServer:
    """A RabbitMQ, with the address of its HTTP interface where it has one, and users of the services."""

    url: str
    management_url: str | None
    user_prefix: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:12]}")
    passwords: Mapping[Service, str] = field(default_factory=lambda: {who: uuid.uuid4().hex for who in USERS})

    def create_vhost(self) -> str:
        """Make a virtual host and return its URL; without HTTP interface all share the server's own."""
        if self.management_url is None:
            return self.url
        name = f"test-{uuid.uuid4().hex}"
        user = urlsplit(self.url).username or "guest"
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self._request("PUT", f"vhosts/{name}")
        self._request("PUT", f"permissions/{name}/{quote(user, safe='')}", everything)
        return _with_path(self.url, name)

    def admit_services(self, url: str) -> None:
        """Let the services' users into a virtual host, with their permissions."""
        content = definitions(self.passwords, vhost=vhost_of(url), prefix=self.user_prefix)
        self._request("POST", "definitions", content)

    def url_as(self, service: Service, url: str) -> str:
        """Return a virtual host's address for the user of a service that was admitted to it."""
        return user_url(url, user_name(self.user_prefix, service), self.passwords[service])

    def remove_users(self) -> None:
        if self.management_url is not None:
            names = [user_name(self.user_prefix, service) for service in USERS]
            self._request("POST", "users/bulk-delete", {"users": names})

    def delete_vhost(self, url: str) -> None:
        if self.management_url is not None:
            self._request("DELETE", f"vhosts/{urlsplit(url).path.removeprefix('/')}")

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        address = f"{self.management_url}/api/{path}"
        answer = httpx.request(method, address, json=body or {}, timeout=_HTTP_TIMEOUT_S, trust_env=False)
        answer.raise_for_status()


@contextmanager
def database_server() -> Iterator[DatabaseServer]:
    if url := os.environ.get("DATABASE_URL"):
        server = DatabaseServer(url)
        try:
            yield server
        finally:
            with contextlib.suppress(psycopg.Error):  # some database that is still there has grants of theirs
                remove(url, prefix=server.role_prefix)
    elif containers.engine_answers():
        with _postgres_container() as url:
            yield DatabaseServer(url)
    else:
        with temporary_home() as home, NativePostgres(home, disposable=True) as postgres:
            yield DatabaseServer(postgres.url)


@contextmanager
def broker_server() -> Iterator[BrokerServer]:
    if url := os.environ.get("RABBITMQ_URL"):
        first = url.split(",")[0]
        server = BrokerServer(first, _management_beside(first))
        try:
            yield server
        finally:
            server.remove_users()
    elif containers.engine_answers():
        with _rabbit_container() as server:
            yield server
    else:
        with temporary_home() as home, NativeRabbit(home, management=True, disposable=True) as rabbit:
            _await_http(rabbit.management_url)
            yield BrokerServer(rabbit.url, rabbit.management_url)


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Make a home that an unprivileged account can enter, and remove it afterwards.

    A PartFailedError takes the end of its log along, which goes with the home.
    """
    home = Path(tempfile.mkdtemp(prefix="modelpick-"))
    home.chmod(0o755)
    try:
        yield home
    except PartFailedError as error:
        if error.log is not None and error.log.exists():
            error.add_note(error.log.read_text(errors="replace")[-_NOTED_CHARACTERS:])
        raise
    finally:
        shutil.rmtree(home, ignore_errors=True)


def database_name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def _postgres_container() -> Iterator[str]:
    password = uuid.uuid4().hex
    environment = {"POSTGRES_USER": OWNER, "POSTGRES_DB": OWNER, "POSTGRES_PASSWORD": password}
    with _container("postgres:16", environment, 5432) as ports:
        _await("database", f"postgres://{ports[5432]}")
        yield f"postgresql://{OWNER}:{password}@{ports[5432]}/{OWNER}"


@contextmanager
def _rabbit_container() -> Iterator[BrokerServer]:
    password = uuid.uuid4().hex
    environment = {"RABBITMQ_DEFAULT_USER": USER, "RABBITMQ_DEFAULT_PASS": password}
    with _container("rabbitmq:4-management", environment, 5672, _MANAGEMENT_PORT) as ports:
        management_url = f"http://{USER}:{password}@{ports[_MANAGEMENT_PORT]}"
        _await("broker", f"amqp://{ports[5672]}")
        _await_http(management_url)
        yield BrokerServer(f"amqp://{USER}:{password}@{ports[5672]}/", management_url)


@contextmanager
def _container(image: str, environment: dict[str, str], *ports: int) -> Iterator[dict[int, str]]:
    """Run a container; yield `host:port` for each port inside it."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - a test dependency

    container = DockerContainer(image).with_exposed_ports(*ports)
    for name, value in environment.items():
        container = container.with_env(name, value)
    with container:
        host = container.get_container_host_ip()
        yield {port: f"{host}:{container.get_exposed_port(port)}" for port in ports}


def _management_beside(url: str) -> str | None:
    """Return the HTTP interface at its usual port beside a broker, where one answers."""
    parts = urlsplit(url)
    address = f"http://{parts.netloc.split('@')[0]}@{parts.hostname}:{_MANAGEMENT_PORT}"
    return address if wait_healthy(f"tcp://{parts.hostname}:{_MANAGEMENT_PORT}", timeout_s=0.5) else None


def _await(name: str, address: str) -> None:
    if not wait_healthy(address, _CONTAINER_TIMEOUT_S):
        raise PartFailedError(name, "did not become ready")


def _await_http(management_url: str) -> None:
    """Wait for the HTTP interface, which comes up a moment after the broker's own port."""
    parts = urlsplit(management_url)
    _await("broker's HTTP interface", f"http://{parts.hostname}:{parts.port}/")


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
