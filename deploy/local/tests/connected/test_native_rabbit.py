import os
import signal
import socket

import pytest

from modelpick_local.errors import PartFailedError
from modelpick_local.health import is_healthy
from modelpick_local.ports import LOOPBACK
from modelpick_local.processes import marked
from modelpick_local.rabbit import NativeRabbit, RabbitPorts
from modelpick_local.session_servers import temporary_home
from modelpick_shared.broker import Service
from modelpick_shared.broker.permissions import rights_of, user_name

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


def test_the_services_users_are_there_and_mended_at_each_start():
    name = user_name("modelpick", Service.CHECKOUT)
    with temporary_home() as home:
        users = {Service.CHECKOUT: "s3cret"}
        with NativeRabbit(home, disposable=True, users=users) as server:
            server.ctl("authenticate_user", name, "s3cret")
            before = rights_in(server, name)
            server.ctl("set_permissions", name, ".*", ".*", ".*")
            server.ctl("clear_topic_permissions", name)
            os.kill(server.pid, signal.SIGKILL)
            server.start()

            assert f"/\t^$\t{rights_of(Service.CHECKOUT).write}\t^$" in before
            assert rights_in(server, name) == before
            assert "guest" not in server.ctl("list_users")


def rights_in(server, name):
    kinds = ("list_user_permissions", "list_user_topic_permissions")
    return sorted(line for kind in kinds for line in server.ctl(kind, name).splitlines())


def test_nothing_is_left_when_it_stops():
    with temporary_home() as home:
        with NativeRabbit(home, disposable=True) as server:
            mark = server.mark
            assert len(marked(mark)) > 1  # the node, its port mapper and helpers
        assert marked(mark) == []


def test_a_node_that_cannot_start_says_why_though_its_log_goes_with_its_home():
    ports = RabbitPorts.free()
    with (
        socket.create_server((LOOPBACK, ports.amqp)),
        pytest.raises(PartFailedError) as failed,
        temporary_home() as home,
        NativeRabbit(home, ports, disposable=True),
    ):
        pytest.fail("it started on a port that was taken")

    assert not home.exists()
    assert "eaddrinuse" in "".join(failed.value.__notes__)
