"""What a running system says about itself, in MODELPICK_HOME/run/parts.json."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ValidationError

from modelpick_local.home import Home, write_private
from modelpick_local.processes import ProcessId


class PartKind(StrEnum):
    DATABASE = "database"
    BROKER = "broker"
    SIMULATOR = "simulator"
    SERVICE = "service"
    GATEWAY = "gateway"


class Phase(StrEnum):
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class ProcessState(BaseModel):
    pid: int
    born: str

    @classmethod
    def of(cls, process: ProcessId) -> "ProcessState":
        return cls(pid=process.pid, born=process.born)

    @property
    def process(self) -> ProcessId:
        return ProcessId(self.pid, self.born)


class PartState(BaseModel):
    name: str
    kind: PartKind
    port: int
    health_url: str
    address: str | None = None
    process: ProcessState | None = None
    phase: Phase = Phase.STARTING
    started_at: datetime | None = None
    restarts: int = 0

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None


class RunState(BaseModel):
    """One run of the launcher; `parts` are in the order in which they start.

    `variables` hold secrets (the database's password): the file is its owner's alone.
    """

    run_id: str
    launcher: ProcessState
    site_url: str
    parts: list[PartState] = []
    variables: dict[str, str] = {}

    @property
    def is_running(self) -> bool:
        return self.launcher.process.is_alive()


def write_state(home: Home, state: RunState) -> None:
    write_private(home.state_file, state.model_dump_json(indent=1))


def read_state(home: Home) -> RunState | None:
    """Return the last run that did not end in order, or the present one."""
    try:
        return RunState.model_validate_json(home.state_file.read_text())
    except (FileNotFoundError, ValidationError):
        return None


def remove_state(home: Home) -> None:
    home.state_file.unlink(missing_ok=True)
