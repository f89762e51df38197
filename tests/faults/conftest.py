import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from modelpick_local.ports import free_port
from modelpick_model_worker.openrouter.body import customer_of
from modelpick_shared.testing import eventually


class Replica:
    """One more process of a service, beside the one that the launcher started; `environment` is added."""

    def __init__(self, system, service: str, log, **environment: str) -> None:
        self.port = free_port()
        given = system.variables_of(service.replace("_", "-"))
        environment = os.environ | given | {"SERVICE_PORT": str(self.port)} | environment
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"modelpick_{service}.main"],
            env=environment,
            cwd=system.home.root,
            stdout=log,
            stderr=log,
        )

    async def ready(self) -> None:
        await eventually(self._is_ready, within_s=60)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, "the replica has ended"
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def stop(self) -> None:
        """Ask it to end, as an orchestrator of containers would, and wait until it has."""
        self._process.terminate()
        await eventually(lambda: self._process.poll() is not None, within_s=150)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()


@pytest.fixture
def replicas(tmp_path):
    """Return a function that starts one more process of a service in a system."""
    started = []

    def start(system, service: str, **environment: str) -> Replica:
        log = (tmp_path / f"{service}-{len(started)}.log").open("wb")
        replica = Replica(system, service, log, **environment)
        started.append((replica, log))
        return replica

    yield start
    for replica, log in started:
        replica.close()
        log.close()


@pytest.fixture
def model_api():
    """Return a function that sends something to the control interface of a system's model API."""

    async def send(system, address, **body):
        url = f"{system.simulators()['openrouter']}/_control/{address}"
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.post(url, json=body)).raise_for_status()

    return send


@pytest.fixture
def billed(journal):
    """Return a function that reads what the model API billed for a report, in USD."""

    async def read(system, report_id) -> float:
        from uuid import UUID  # noqa: PLC0415

        costs = (await journal(system))["cost_usd_by_user"]
        return float(costs.get(customer_of(UUID(report_id)), 0))

    return read


@contextmanager
def stopped(process):
    """Hold a process still, as a machine without memory or a debugger would."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
