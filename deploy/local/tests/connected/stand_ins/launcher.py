"""The real launcher with stand-ins for the services; with STORES it runs the real database and broker too."""

import os
import sys
from pathlib import Path

from modelpick_local import stores
from modelpick_local.command import Command
from modelpick_local.commands import up
from modelpick_local.main import reporting
from modelpick_local.parts import Part, Plan, Stage
from modelpick_local.ports import free_port
from modelpick_local.state import PartKind

PART = Path(__file__).with_name("part.py")


def plan(settings, run_id, say):
    found = []
    if settings.is_on("STORES"):
        found = [stores.database(settings, run_id, say), stores.broker(settings, run_id, say)]
    return Plan(
        site_url=settings.site_url,
        parts=(
            *(store.part for store in found if store.part),
            stand_in("stripe-simulator", PartKind.SIMULATOR, Stage.SIMULATORS, free_port()),
            stand_in("one", PartKind.SERVICE, Stage.SERVICES, free_port()),
            stand_in("two", PartKind.SERVICE, Stage.SERVICES, free_port()),
            stand_in("gateway", PartKind.GATEWAY, Stage.GATEWAY, settings.port),
        ),
        variables={"DATABASE_URL": found[0].url} if found else {},
        preparations={"migrate": Command((sys.executable, "-c", "print('migrated')"), dict(os.environ))},
    )


def stand_in(name, kind, stage, port):
    command = Command((sys.executable, str(PART)), {**os.environ, "SERVICE_PORT": str(port)})
    address = f"http://127.0.0.1:{port}"
    patience_s = float(os.environ.get("PATIENCE_S", "2"))
    return Part(
        name, kind, stage, port, f"{address}/readyz", lambda: command, address, stop_timeout_s=patience_s
    )


sys.exit(reporting(lambda: up(plan)))
