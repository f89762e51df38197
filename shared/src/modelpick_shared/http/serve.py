import gc
from collections.abc import Callable
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from modelpick_shared.settings import ServiceSettings, load_settings
from modelpick_shared.telemetry import configure_logging, configure_tracing

S = TypeVar("S", bound=ServiceSettings)

# Open event streams are cut after this; browsers reconnect.
GRACEFUL_SHUTDOWN_S = 3


def run_service(name: str, settings_class: type[S], build: Callable[[S], FastAPI]) -> None:
    """Run a service until SIGTERM: settings, logs, then its application on `SERVICE_HOST:SERVICE_PORT`."""
    settings = load_settings(settings_class, name)
    configure_logging(name, settings.log_level)
    configure_tracing(name)
    app = build(settings)
    gc.freeze()
    uvicorn.run(
        app,
        host=settings.service_host,
        port=settings.service_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
