"""A part that cannot be started again, and one that fails while everything stops."""

import asyncio
import io
import subprocess
import sys

import pytest

from modelpick_local.command import Command
from modelpick_local.console import Console
from modelpick_local.errors import LocalError, PartFailedError
from modelpick_local.home import Home
from modelpick_local.parts import Part, Plan, Stage
from modelpick_local.ports import free_port
from modelpick_local.processes import ProcessId
from modelpick_local.run import Run
from modelpick_local.state import PartKind
from modelpick_local.supervised import SupervisedPart

LISTENS = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        server.accept()[0].close()
"""


class Kitchen:
    """Prepares a part that listens on a port; fails as often as it is told to."""

    def __init__(self):
        self.port = free_port()
        self.failures = []

    def prepare(self):
        if self.failures:
            raise self.failures.pop(0)
        return Command((sys.executable, "-c", LISTENS, str(self.port)))

    def part(self):
        health = f"tcp://127.0.0.1:{self.port}"
        return Part("one", PartKind.SERVICE, Stage.SERVICES, self.port, health, self.prepare)


@pytest.fixture
def kitchen():
    return Kitchen()


@pytest.fixture
def printed():
    return io.StringIO()


@pytest.fixture
async def supervised(kitchen, printed, tmp_path):
    part = kitchen.part()
    home = Home.at(tmp_path)
    launcher = ProcessId(1, "another boot:1")
    run = Run("a-run", launcher, home, Console(printed), Plan("http://localhost", (part,)))
    supervised = SupervisedPart(part, run)
    yield supervised
    await supervised.stop(asyncio.Event())
    await asyncio.to_thread(run.close)


@pytest.mark.parametrize(
    "failure", [OSError("no more processes"), subprocess.TimeoutExpired("docker", 60), LocalError("no apt")]
)
async def test_a_part_that_cannot_be_started_again_is_tried_until_it_can(
    supervised, kitchen, printed, eventually, failure
):
    await supervised.start()
    first = supervised._process
    kitchen.failures = [failure]

    first.kill()

    again = await asyncio.to_thread(
        eventually, lambda: supervised._process is not first and supervised._process.returncode is None
    )
    assert again, printed.getvalue()
    assert str(failure) in printed.getvalue()
    assert kitchen.failures == []


async def test_a_part_that_cannot_be_started_at_all_is_an_error_once(supervised, kitchen):
    kitchen.failures = [LocalError("install it")]

    with pytest.raises(LocalError, match="install it"):
        await supervised.start()

    await supervised.stop(asyncio.Event())


async def test_a_program_that_is_not_there_is_named(supervised, kitchen):
    kitchen.failures = [FileNotFoundError("caddy")]

    with pytest.raises(PartFailedError, match="one: cannot be started: caddy"):
        await supervised.start()
