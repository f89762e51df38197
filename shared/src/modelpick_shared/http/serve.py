import asyncio
import gc
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import uvicorn
from fastapi import FastAPI

from modelpick_shared import faults
from modelpick_shared.settings import ServiceSettings, load_settings
from modelpick_shared.telemetry import configure_logging, learn_secrets
from modelpick_shared.telemetry.exporting import configure_tracing

S = TypeVar("S", bound=ServiceSettings)

# Requests that still run are cut after this.
GRACEFUL_SHUTDOWN_S = 3
# Connections that callers keep for their next request are closed after this. The next instance is waited for
# meanwhile, so it is short; callers who ask often have all been sent away long before.
LEAVE_S = 1.0
_LOOK_AGAIN_S = 0.05
# Requests and messages leave few cycles behind; looking for them every 700 objects costs some 5 % of the CPU.
GC_THRESHOLD = (20_000, 20, 20)
# What uvicorn's own runner exits with.
STARTUP_FAILED = 3


class ServiceServer(uvicorn.Server):
    """Tells the application that it stops before waiting for its requests: event streams never end else."""

    def __init__(self, config: uvicorn.Config, on_stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stopping = on_stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stopping()
        await self._send_callers_away()
        await super().shutdown(sockets)

    async def _send_callers_away(self) -> None:
        """Take no new connections, and answer what still comes on those there are with `Connection: close`.

        Closing an idle connection at once would lose the request that is just on its way.
        """
        for server in self.servers:
            server.close()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        deadline = time.monotonic() + LEAVE_S
        while self.server_state.connections and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK_AGAIN_S)


def run_service(name: str, settings_class: type[S], build: Callable[[S], FastAPI]) -> None:
    """Run a service until SIGTERM: settings, logs, then its application on `SERVICE_HOST:SERVICE_PORT`."""
    settings = load_settings(settings_class, name)
    learn_secrets(settings)
    configure_logging(name, settings.log_level)
    configure_tracing(name, settings)
    faults.arm(settings.fault_dir)
    app = build(settings)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    server = service_server(app, host=settings.service_host, port=settings.service_port)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILED)


def service_server(app: FastAPI, *, host: str, port: int) -> ServiceServer:
    """Return the server of an application made by `create_app`."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Who asks is for `client_address` to say: uvicorn would believe whom FORWARDED_ALLOW_IPS names.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
    return ServiceServer(config, app.state.on_stopping)
