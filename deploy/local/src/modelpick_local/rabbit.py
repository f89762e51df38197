import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelpick_local.command import Command
from modelpick_local.errors import LocalError
from modelpick_local.home import Home, write_private
from modelpick_local.native import NativeServer
from modelpick_local.ports import LOOPBACK, free_port
from modelpick_local.processes import ProcessId, command_line, wait_gone
from modelpick_local.rabbit_install import find_or_install
from modelpick_shared.broker import Service
from modelpick_shared.broker.definitions import definitions, to_text, with_owner

USER = "modelpick"
_NODE = "modelpick@localhost"
_CTL_TIMEOUT_S = 60
_GOES_TIMEOUT_S = 5.0
# Schedulers that spin while idle would take a core of a small machine; the distribution stays on loopback.
_ERL_ARGUMENTS = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


@dataclass(frozen=True)
class RabbitPorts:
    amqp: int
    distribution: int
    epmd: int
    control: int
    management: int
    metrics: int

    @classmethod
    def free(cls) -> "RabbitPorts":
        return cls(*(free_port() for _ in range(6)))


class NativeRabbit(NativeServer):
    """Debian's RabbitMQ as a private node: own user, data, cookie and port mapper, all on loopback.

    `management=True` adds the HTTP interface, for tests that make virtual hosts quickly; `metrics=True`
    serves figures for Prometheus at `metrics_url`; `disposable=True` kills the node to stop it, which takes
    no time instead of six seconds. `users` are those of the services, with their passwords; their
    permissions are brought in line at each start.
    """

    name = "broker"

    def __init__(
        self,
        home: Path,
        ports: RabbitPorts | None = None,
        *,
        management: bool = False,
        metrics: bool = False,
        disposable: bool = False,
        users: Mapping[Service, str] | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        super().__init__(home)
        self.ports = ports or RabbitPorts.free()
        self.port = self.ports.amqp
        self._management = management
        self._metrics = metrics
        self._users = users or {}
        self._say = say
        if disposable:
            self.stop_signal = signal.SIGKILL

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{rabbit_password(self.home)}@{LOOPBACK}:{self.port}/"

    @property
    def management_url(self) -> str:
        return f"http://{USER}:{rabbit_password(self.home)}@{LOOPBACK}:{self.ports.management}"

    @property
    def metrics_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.metrics}/metrics"

    @property
    def health_url(self) -> str:
        return f"amqp://{LOOPBACK}:{self.port}"

    def prepare(self) -> Command:
        found = find_or_install(self._say, self.home)
        self._write_files()
        self._end_orphans()
        environment = {**self._environment(), **found.variables}
        return Command((str(found.scripts / "rabbitmq-server"),), environment, self._folder)

    def ctl(self, *words: str) -> str:
        """Run rabbitmqctl against this node and return what it printed. Takes a second or two."""
        found = find_or_install(self._say, self.home)
        finished = subprocess.run(  # noqa: S603
            [str(found.scripts / "rabbitmqctl"), "--quiet", *words],
            stdin=subprocess.DEVNULL,  # it reads standard input until its end
            capture_output=True,
            text=True,
            check=False,
            timeout=_CTL_TIMEOUT_S,
            env={**self._environment(), **found.variables},
            cwd=self._folder,
        )
        if finished.returncode != 0:
            raise LocalError(f"rabbitmqctl {words[0]} failed: {(finished.stdout + finished.stderr).strip()}")
        return finished.stdout

    def add_vhost(self, name: str) -> str:
        """Make a virtual host that our user may use, and return its URL."""
        self.ctl("add_vhost", name)
        self.ctl("set_permissions", "--vhost", name, USER, ".*", ".*", ".*")
        return self.url + name

    def delete_vhost(self, name: str) -> None:
        self.ctl("delete_vhost", name)

    @property
    def _folder(self) -> Path:
        return self.home.folder("rabbitmq")

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(self.ports.control),
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self.ports.control),
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(self.home.logs / "rabbitmq"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_NODENAME": _NODE,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERL_ARGUMENTS,
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server, so that its pid is too
        }

    def _write_files(self) -> None:
        wanted = {"rabbitmq_management": self._management, "rabbitmq_prometheus": self._metrics}
        plugins = ",".join(name for name, is_wanted in wanted.items() if is_wanted)
        write_private(self._folder / "rabbitmq.conf", self._config())
        loaded = to_text(all_users(self._users, rabbit_password(self.home)))
        write_private(self._folder / "definitions.json", loaded)
        write_private(self._folder / "rabbitmq-env.conf", "")
        write_private(self._folder / "enabled_plugins", f"[{plugins}].\n")

    def _config(self) -> str:
        """Return the configuration; the Raft log is cut early, to stay far from the memory watermark."""
        lines = [
            f"load_definitions = {self._folder / 'definitions.json'}",
            "vm_memory_high_watermark.absolute = 512MB",
            "disk_free_limit.absolute = 50MB",
            "raft.wal_max_size_bytes = 67108864",
            "log.console = true",
            "log.console.level = error",
        ]
        if self._management:
            lines += [
                f"management.tcp.ip = {LOOPBACK}",
                f"management.tcp.port = {self.ports.management}",
                "management_agent.disable_metrics_collector = true",
            ]
        if self._metrics:
            lines += [f"prometheus.tcp.ip = {LOOPBACK}", f"prometheus.tcp.port = {self.ports.metrics}"]
        return "\n".join(lines) + "\n"

    def _end_orphans(self) -> None:
        """End a node that somebody left on this data: two would spoil it."""
        pid_file = self._folder / "pid"
        text = pid_file.read_text().strip() if pid_file.exists() else ""
        process = ProcessId.of(int(text)) if text.isdigit() else None
        if process is not None and str(self._folder) in command_line(process.pid):
            process.signal(signal.SIGKILL)
            wait_gone([process], _GOES_TIMEOUT_S)


def all_users(passwords: Mapping[Service, str], owners_password: str) -> dict[str, Any]:
    """Return definitions of the owner, who may do everything, and of the services, if they have passwords."""
    nobody: dict[str, Any] = {"users": [], "permissions": [], "vhosts": [{"name": "/"}]}
    return with_owner(definitions(passwords) if passwords else nobody, USER, owners_password)


def rabbit_password(home: Home) -> str:
    return home.secret("rabbitmq-password")
