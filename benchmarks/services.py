"""A service with the whole catalogue: `python -m benchmarks.services orchestrator`, `worker` or `reports`."""

import sys
from functools import partial
from importlib import import_module
from typing import NamedTuple

from benchmarks.shapes import whole_catalog
from modelpick_shared.http import run_service


class Service(NamedTuple):
    """A service's package, its class of settings, and whether it is given a catalogue."""

    package: str
    settings: str
    has_catalog: bool = True


SERVICES = {
    "orchestrator": Service("modelpick_orchestrator", "OrchestratorSettings"),
    "worker": Service("modelpick_model_worker", "ModelWorkerSettings"),
    "reports": Service("modelpick_reports", "ReportsSettings", has_catalog=False),
}


def main() -> None:
    service = SERVICES[sys.argv[1]]
    # Only what it is itself: its memory is measured, too.
    build = import_module(f"{service.package}.app").build
    settings = getattr(import_module(f"{service.package}.settings"), service.settings)
    name = service.package.removeprefix("modelpick_").replace("_", "-")
    run_service(name, settings, partial(build, catalog=whole_catalog()) if service.has_catalog else build)


if __name__ == "__main__":
    main()
