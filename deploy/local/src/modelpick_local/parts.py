"""The parts of a system as data: the launcher starts whatever it is given, in the order of the stages."""

import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from modelpick_local.command import Command
from modelpick_local.ports import LOOPBACK
from modelpick_local.state import PartKind

_SERVICE_STOP_TIMEOUT_S = 20.0
_WORKER_STOP_TIMEOUT_S = 130.0  # the longest call it may have to finish


class Stage(IntEnum):
    """Stages start in this order and stop in the opposite one; the parts of a stage move together."""

    STORES = 1
    SIMULATORS = 2
    SERVICES = 3
    GATEWAY = 4


@dataclass(frozen=True)
class Part:
    """One process to keep running. `prepare` is called before each start; a quiet part fills only its log."""

    name: str
    kind: PartKind
    stage: Stage
    port: int
    health_url: str
    prepare: Callable[[], Command]
    address: str | None = None
    note: str = ""
    is_quiet: bool = False
    ready_timeout_s: float = 60.0
    stop_timeout_s: float = _SERVICE_STOP_TIMEOUT_S


@dataclass(frozen=True)
class Plan:
    """Everything one run starts. `preparations` run once, side by side, between the stores and the rest.

    `variables` are the addresses and secrets the launcher found or made, for tools beside the running system.
    """

    site_url: str
    parts: tuple[Part, ...]
    preparations: Mapping[str, Command] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    name: str
    module: str
    stop_timeout_s: float = _SERVICE_STOP_TIMEOUT_S


SERVICES = (
    Service("checkout", "modelpick_checkout.main"),
    Service("webhook", "modelpick_webhook.main"),
    Service("orchestrator", "modelpick_orchestrator.main"),
    Service("model-worker", "modelpick_model_worker.main", _WORKER_STOP_TIMEOUT_S),
    Service("notifier", "modelpick_notifier.main"),
    Service("reports", "modelpick_reports.main"),
)


def service_part(
    service: Service, port: int, environment: Mapping[str, str], stop_timeout_s: float | None
) -> Part:
    own = {"SERVICE_HOST": LOOPBACK, "SERVICE_PORT": str(port)}
    command = module_command(service.module, {**environment, **own})
    return Part(
        name=service.name,
        kind=PartKind.SERVICE,
        stage=Stage.SERVICES,
        port=port,
        health_url=f"http://{LOOPBACK}:{port}/readyz",
        prepare=lambda: command,
        stop_timeout_s=service.stop_timeout_s if stop_timeout_s is None else stop_timeout_s,
    )


def module_command(module: str, environment: Mapping[str, str]) -> Command:
    return Command(
        argv=(sys.executable, "-m", module),
        env={**environment, "PYTHONUNBUFFERED": "1"},
        # No `.env` lies there: the launcher has read it, and an empty variable must beat its value.
        folder=Path("/"),
        stop_signal=signal.SIGTERM,
    )
