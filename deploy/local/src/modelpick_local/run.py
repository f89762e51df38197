"""What the supervised parts of one run share: its identity, its console, its state file and its watchdog."""

from datetime import UTC, datetime

from modelpick_local.command import Command
from modelpick_local.console import Console
from modelpick_local.home import Home
from modelpick_local.parts import Part, Plan
from modelpick_local.processes import ProcessId
from modelpick_local.state import PartState, Phase, ProcessState, RunState, write_state
from modelpick_local.watchdog import Watchdog


class Run:
    def __init__(self, run_id: str, launcher: ProcessId, home: Home, console: Console, plan: Plan) -> None:
        self.home = home
        self.console = console
        self._run_id = run_id
        self._watchdog = Watchdog(run_id)
        self._state = RunState(
            run_id=run_id,
            launcher=ProcessState.of(launcher),
            site_url=plan.site_url,
            parts=[_first_state(part) for part in plan.parts],
            variables=dict(plan.variables),
        )
        write_state(home, self._state)

    def mark(self, name: str) -> str:
        """Return the mark of a part's processes; the run's own is how all of them start."""
        return f"{self._run_id}/{name}/"

    def note_start(self, part: Part, pid: int, command: Command) -> None:
        self._watchdog.note(pid, command.stop_signal)
        state = self._part(part)
        process = ProcessId.of(pid)
        state.process = ProcessState.of(process) if process else None
        state.started_at = datetime.now(UTC)
        self._set_phase(state, Phase.STARTING)

    def note_ready(self, part: Part) -> None:
        self._set_phase(self._part(part), Phase.READY)

    def note_restart(self, part: Part) -> None:
        state = self._part(part)
        state.restarts += 1
        self._set_phase(state, Phase.RESTARTING)

    def note_stop(self, part: Part) -> None:
        state = self._part(part)
        state.process = None
        self._set_phase(state, Phase.STOPPED)

    def close(self) -> None:
        self._watchdog.close()

    def _set_phase(self, state: PartState, phase: Phase) -> None:
        state.phase = phase
        write_state(self.home, self._state)

    def _part(self, part: Part) -> PartState:
        return next(state for state in self._state.parts if state.name == part.name)


def _first_state(part: Part) -> PartState:
    return PartState(
        name=part.name, kind=part.kind, port=part.port, health_url=part.health_url, address=part.address
    )
