"""A service with the whole catalogue: `python -m benchmarks.services orchestrator`, `worker` or `reports`."""

import sys
from functools import partial

import modelpick_model_worker.app
import modelpick_orchestrator.app
import modelpick_reports.app
from benchmarks.shapes import whole_catalog
from modelpick_model_worker.settings import ModelWorkerSettings
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_reports.settings import ReportsSettings
from modelpick_shared.http import run_service


def main() -> None:
    catalog = whole_catalog()
    if sys.argv[1] == "reports":
        run_service("reports", ReportsSettings, modelpick_reports.app.build)
    elif sys.argv[1] == "worker":
        build = partial(modelpick_model_worker.app.build, catalog=catalog)
        run_service("model-worker", ModelWorkerSettings, build)
    else:
        run_service(
            "orchestrator", OrchestratorSettings, partial(modelpick_orchestrator.app.build, catalog=catalog)
        )


if __name__ == "__main__":
    main()
