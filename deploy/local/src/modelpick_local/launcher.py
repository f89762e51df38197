import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from modelpick_local.oneshot import run_once
from modelpick_local.parts import Plan, Stage
from modelpick_local.run import Run
from modelpick_local.state import PartKind
from modelpick_local.supervised import SupervisedPart

_INTERRUPTED_EXIT_CODE = 130


class Launcher:
    """Starts the parts of a plan by stages, keeps them running, and stops them in the opposite order."""

    def __init__(self, plan: Plan, run: Run) -> None:
        self._plan = plan
        self._run = run
        self._supervised = [SupervisedPart(part, run) for part in plan.parts]
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> int:
        """Run until a signal comes and return the exit code; a second signal stops without patience.

        Raise LocalError, everything being stopped again, when a part cannot become ready.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        try:
            if not await self._or_stopped(self._start()):
                return _INTERRUPTED_EXIT_CODE
            self._run.console.say(f"ready {self._plan.site_url}")
            await self._stop.wait()
        finally:
            await self._stop_all()
        return 0

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def _or_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work; return False when a signal came first."""
        working = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            return False
        await working
        return True

    async def _start(self) -> None:
        for stage in Stage:
            await _all_or_first_error([supervised.start() for supervised in self._of(stage)])
            if stage == Stage.STORES:
                await self._prepare()
            self._announce(stage)

    async def _prepare(self) -> None:
        preparations = self._plan.preparations.items()
        await _all_or_first_error([run_once(name, command, self._run) for name, command in preparations])

    async def _stop_all(self) -> None:
        self._run.console.say("stopping")
        for stage in reversed(Stage):
            await asyncio.gather(*(supervised.stop(self._hurry) for supervised in self._of(stage)))

    def _of(self, stage: Stage) -> list[SupervisedPart]:
        return [supervised for supervised in self._supervised if supervised.part.stage == stage]

    def _announce(self, stage: Stage) -> None:
        for part in (supervised.part for supervised in self._of(stage)):
            if part.kind == PartKind.SIMULATOR:
                note = f" ({part.note})" if part.note else ""
                self._run.console.say(f"{part.name} {part.address}{note}")


async def _all_or_first_error(works: list[Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.create_task(work) for work in works]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        unfinished = [task for task in tasks if task.cancel()]
        await asyncio.gather(*unfinished, return_exceptions=True)
    for task in tasks:
        if task not in unfinished:
            await task
