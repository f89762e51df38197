"""Where database and broker come from: an address that is set, else Docker, else the native ones."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelpick_local import containers
from modelpick_local.access import broker_passwords
from modelpick_local.command import Command
from modelpick_local.home import write_private
from modelpick_local.native import NativeServer
from modelpick_local.parts import Part, Stage
from modelpick_local.ports import LOOPBACK, free_port
from modelpick_local.postgres import OWNER, NativePostgres, postgres_password
from modelpick_local.rabbit import USER, NativeRabbit, all_users, rabbit_password
from modelpick_local.settings import LauncherSettings
from modelpick_local.state import PartKind
from modelpick_shared.broker.definitions import to_text

_POSTGRES_IMAGE = "postgres:16"
_RABBIT_IMAGE = "rabbitmq:4"
_IMAGE_READY_TIMEOUT_S = 300.0  # the image may have to be pulled
_NATIVE_READY_TIMEOUT_S = 90.0
_STOP_TIMEOUT_S = 30.0
_LOADED = "/etc/rabbitmq/definitions.json"


@dataclass(frozen=True)
class Store:
    """A database or broker: its URL, and the part to run unless somebody else runs it.

    `metrics_url` is where it has figures for Prometheus, if it has.
    """

    url: str
    part: Part | None = None
    metrics_url: str | None = None


def database(settings: LauncherSettings, run_id: str, say: Callable[[str], None]) -> Store:
    if url := settings.given("DATABASE_URL"):
        return Store(url)
    if containers.engine_answers():
        return _postgres_container(settings, run_id)
    server = NativePostgres(settings.home.root)
    return Store(server.url, _native_part(server, PartKind.DATABASE, _announcing(server, say)))


def broker(settings: LauncherSettings, run_id: str, say: Callable[[str], None]) -> Store:
    if url := settings.given("RABBITMQ_URL"):
        return Store(url)
    if containers.engine_answers():
        return _rabbit_container(settings, run_id)
    server = NativeRabbit(settings.home.root, users=broker_passwords(settings), metrics=True, say=say)
    return Store(server.url, _native_part(server, PartKind.BROKER, server.prepare), server.metrics_url)


def _native_part(server: NativeServer, kind: PartKind, prepare: Callable[[], Command]) -> Part:
    return Part(
        name=server.name,
        kind=kind,
        stage=Stage.STORES,
        port=server.port,
        health_url=server.health_url,
        prepare=prepare,
        is_quiet=kind == PartKind.BROKER,  # it greets with a page of text
        ready_timeout_s=_NATIVE_READY_TIMEOUT_S,
        stop_timeout_s=_STOP_TIMEOUT_S,
    )


def _announcing(server: NativePostgres, say: Callable[[str], None]) -> Callable[[], Command]:
    def prepare() -> Command:
        command = server.prepare()
        if folder := server.is_elsewhere():
            say(f"the database's account {server.account.name} cannot reach this folder: using {folder}")
        return command

    return prepare


def _postgres_container(settings: LauncherSettings, run_id: str) -> Store:
    password = postgres_password(settings.home)
    environment = {"POSTGRES_USER": OWNER, "POSTGRES_DB": OWNER, "POSTGRES_PASSWORD": password}
    container = containers.Container(
        name=f"modelpick-{settings.home.key}-database",
        image=_POSTGRES_IMAGE,
        environment=environment,
        port=free_port(),
        inner_port=5432,
        data_folder="/var/lib/postgresql/data",
    )
    url = f"postgresql://{OWNER}:{password}@{LOOPBACK}:{container.port}/{OWNER}"
    return Store(url, _container_part(container, run_id, PartKind.DATABASE, "postgres", signal.SIGINT))


def _rabbit_container(settings: LauncherSettings, run_id: str) -> Store:
    password = rabbit_password(settings.home)
    container = containers.Container(
        name=f"modelpick-{settings.home.key}-broker",
        image=_RABBIT_IMAGE,
        environment={"RABBITMQ_DEFAULT_USER": USER, "RABBITMQ_DEFAULT_PASS": password},
        port=free_port(),
        inner_port=5672,
        data_folder="/var/lib/rabbitmq",
        files=_rabbit_files(settings, password),
    )
    url = f"amqp://{USER}:{password}@{LOOPBACK}:{container.port}/"
    return Store(url, _container_part(container, run_id, PartKind.BROKER, "amqp", signal.SIGTERM))


def _rabbit_files(settings: LauncherSettings, password: str) -> dict[Path, str]:
    """Write what the broker in a container loads, for whoever it runs as to read: passwords are hashed."""
    folder = settings.home.folder("rabbitmq-container")
    loaded = folder / "definitions.json"
    write_private(loaded, to_text(all_users(broker_passwords(settings), password)))
    chosen = folder / "definitions.conf"
    write_private(chosen, f"load_definitions = {_LOADED}\n")
    for file in (loaded, chosen):
        file.chmod(0o644)
    return {loaded: _LOADED, chosen: "/etc/rabbitmq/conf.d/90-modelpick.conf"}


def _container_part(
    container: containers.Container, run_id: str, kind: PartKind, scheme: str, stop_signal: signal.Signals
) -> Part:
    def prepare() -> Command:
        container.remove()
        return Command(
            container.run_command(run_id), {**os.environ, **container.environment}, stop_signal=stop_signal
        )

    return Part(
        name=kind.value,
        kind=kind,
        stage=Stage.STORES,
        port=container.port,
        health_url=f"{scheme}://{LOOPBACK}:{container.port}",
        prepare=prepare,
        ready_timeout_s=_IMAGE_READY_TIMEOUT_S,
        stop_timeout_s=_STOP_TIMEOUT_S,
    )
