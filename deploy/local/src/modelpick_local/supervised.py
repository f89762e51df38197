import asyncio
import contextlib
import signal
import subprocess
import time
from asyncio.subprocess import Process

from modelpick_local.backoff import BackOff
from modelpick_local.errors import BAD_SETTING_EXIT_CODE, LocalError, PartFailedError, SettingError
from modelpick_local.health import is_healthy
from modelpick_local.output import Output
from modelpick_local.parts import Part
from modelpick_local.processes import ProcessId, sweep
from modelpick_local.run import Run

_POLL_S = 0.1
_MOST_CRASHES_AT_START = 5


class SupervisedPart:
    """Keeps one part running from `start` to `stop`."""

    def __init__(self, part: Part, run: Run) -> None:
        self.part = part
        self._run = run
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._process: Process | None = None
        self._identity: ProcessId | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._last_lines: list[str] = []

    async def start(self) -> None:
        """Return when the part is ready; raise PartFailedError or SettingError when it cannot become so."""
        self._keeper = asyncio.create_task(self._keep_running())
        ready = asyncio.create_task(self._ready.wait())
        timeout_s = self.part.ready_timeout_s
        try:
            await asyncio.wait({ready, self._keeper}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self._keeper.done():
            await self._keeper
        if not self._ready.is_set():
            raise self._failure(f"was not ready after {timeout_s:g} s")

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask the part to end; kill it after its time, or as soon as there is a hurry."""
        self._stopping.set()
        if self._keeper is None:
            return
        if self._process is not None and self._process.returncode is None:
            await self._end_process(self._process, hurry)
        # Whoever started the part has been told how it failed; the others are to be stopped all the same.
        await asyncio.gather(self._keeper, return_exceptions=True)
        await asyncio.to_thread(sweep, self._run.mark(self.part.name))
        self._run.note_stop(self.part)

    async def _keep_running(self) -> None:
        back_off = BackOff()
        crashes = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                exit_code = await self._run_once()
                crashes += 1
                self._give_up_if_hopeless(exit_code, crashes)
                ending = f"ended with status {exit_code}"
            except LocalError as error:
                if not self._ready.is_set():
                    raise
                ending = str(error)
            if not self._stopping.is_set():
                await self._pause(ending, back_off.after(time.monotonic() - started))

    async def _run_once(self) -> int:
        output = Output(self._run.home.logs / f"{self.part.name}.log", self._pass_on)
        try:
            process = await self._spawn(output)
            readiness = asyncio.create_task(self._watch_readiness(process))
            exit_code = await process.wait()
            await readiness
        finally:
            output.close()
            self._last_lines = output.last_lines
        return exit_code

    async def _spawn(self, output: Output) -> Process:
        try:
            command = await asyncio.to_thread(self.part.prepare)
            command = command.with_mark(self._run.mark(self.part.name))
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output.writer,
                stderr=output.writer,
                **command.popen_arguments(),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise PartFailedError(self.part.name, f"cannot be started: {error}") from error
        finally:
            output.close_writer()
        self._process = process
        self._identity = ProcessId.of(process.pid)
        self._stop_signal = command.stop_signal
        self._run.note_start(self.part, process.pid, command)
        if self._stopping.is_set():
            process.kill()
        return process

    async def _watch_readiness(self, process: Process) -> None:
        while process.returncode is None:
            if await asyncio.to_thread(is_healthy, self.part.health_url):
                self._ready.set()
                self._run.note_ready(self.part)
                return
            await asyncio.sleep(_POLL_S)

    def _give_up_if_hopeless(self, exit_code: int, crashes: int) -> None:
        if self._ready.is_set() or self._stopping.is_set():
            return
        if exit_code == BAD_SETTING_EXIT_CODE and self._last_lines:
            raise SettingError(self._last_lines[-1])
        if crashes >= _MOST_CRASHES_AT_START:
            raise self._failure(f"ended {crashes} times at its start, last with status {exit_code}")

    async def _pause(self, ending: str, delay_s: float) -> None:
        self._run.note_restart(self.part)
        self._show(f"{ending}, starts again in {delay_s:g} s")
        await asyncio.to_thread(sweep, self._run.mark(self.part.name))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _end_process(self, process: Process, hurry: asyncio.Event) -> None:
        process.send_signal(self._stop_signal)
        gone = asyncio.create_task(process.wait())
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait(
            {gone, hurried}, timeout=self.part.stop_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        hurried.cancel()
        if not gone.done():
            self._show("does not end in time, is killed")
            if self._identity is not None:
                self._identity.signal(signal.SIGKILL)
            await gone

    def _failure(self, reason: str) -> PartFailedError:
        return PartFailedError(self.part.name, reason, self._run.home.logs / f"{self.part.name}.log")

    def _pass_on(self, line: str) -> None:
        if not self.part.is_quiet:
            self._show(line)

    def _show(self, text: str) -> None:
        self._run.console.part(self.part.name, text)
