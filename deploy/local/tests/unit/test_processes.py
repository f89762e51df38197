import os
import signal
import socket
import subprocess

import pytest

from modelpick_local.ports import free_port, is_free
from modelpick_local.processes import RUN_MARK, ProcessId, listener_on, marked, sweep, wait_gone


@pytest.fixture
def sleeper():
    with subprocess.Popen(
        ["sleep", "1000"], env={RUN_MARK: "run-1/one/", "PATH": os.environ["PATH"]}, start_new_session=True
    ) as process:
        yield process
        process.kill()


def test_a_process_is_known_by_its_start_as_well_as_its_id(sleeper):
    process = ProcessId.of(sleeper.pid)

    assert process.is_alive()
    assert not ProcessId(sleeper.pid, "another boot:1").is_alive()


def test_nobody_else_is_signalled_under_a_reused_id(sleeper):
    ProcessId(sleeper.pid, "another boot:1").signal(signal.SIGKILL)

    assert sleeper.poll() is None


def test_a_process_alone_is_signalled_while_it_is_itself(sleeper):
    assert not ProcessId(sleeper.pid, "another boot:1").signal_alone(signal.SIGKILL)
    assert sleeper.poll() is None

    assert ProcessId.of(sleeper.pid).signal_alone(signal.SIGKILL)
    assert sleeper.wait(10) == -signal.SIGKILL


def test_a_mark_that_begins_like_another_is_another(sleeper, eventually):
    wanted = ProcessId.of(sleeper.pid)
    assert wait_marked(eventually, "run-1", wanted)

    for other in ("run", "r", "run-1/o", ""):
        assert wanted not in marked(other), other


def test_a_mark_finds_the_processes_of_its_run_only(sleeper, eventually):
    wanted = ProcessId.of(sleeper.pid)

    assert wait_marked(eventually, "run-1", wanted)
    assert wait_marked(eventually, "run-1/one/", wanted)
    assert marked("run-2") == []


def test_a_sweep_leaves_nothing_that_carries_the_mark(sleeper, eventually):
    process = ProcessId.of(sleeper.pid)
    assert wait_marked(eventually, "run-1", process)

    sweep("run-1")

    assert wait_gone([process], timeout_s=5) == []


def test_who_listens_on_a_port_can_be_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert listener_on(port) == os.getpid()
        assert not is_free(port)


def test_a_free_port_lies_below_those_of_outgoing_connections():
    assert all(free_port() < 32_768 for _ in range(20))


def wait_marked(eventually, mark, process):
    """Look again for a moment: a child shows its own environment once it has become the new program."""
    return eventually(lambda: process in marked(mark))
