import os
import signal

import pytest

from modelpick_local.health import is_healthy
from modelpick_local.processes import marked
from modelpick_local.rabbit import NativeRabbit
from modelpick_local.session_servers import temporary_home

pytestmark = pytest.mark.connected


@pytest.fixture(scope="module")
def rabbit():
    with temporary_home() as home, NativeRabbit(home, disposable=True) as server:
        yield server


def test_it_listens_on_loopback_only(rabbit):
    listeners = rabbit.ctl(
        "eval", "[inet:sockname(P) || P <- erlang:ports(), {ok, _} <- [inet:sockname(P)]]."
    )

    assert "{127,0,0,1}" in listeners
    assert "{0,0,0,0}" not in listeners


def test_a_virtual_host_comes_and_goes(rabbit):
    url = rabbit.add_vhost("mine")
    assert url.endswith("/mine")
    assert "mine" in rabbit.ctl("list_vhosts")

    rabbit.delete_vhost("mine")
    assert "mine" not in rabbit.ctl("list_vhosts")


def test_it_comes_back_with_its_data_after_a_kill(rabbit):
    rabbit.add_vhost("kept")
    port = rabbit.port
    os.kill(rabbit.pid, signal.SIGKILL)

    rabbit.start()

    assert rabbit.port == port
    assert is_healthy(rabbit.health_url)
    assert "kept" in rabbit.ctl("list_vhosts")


def test_nothing_is_left_when_it_stops():
    with temporary_home() as home:
        with NativeRabbit(home, disposable=True) as server:
            mark = server.mark
            assert len(marked(mark)) > 1  # the node, its port mapper and helpers
        assert marked(mark) == []
