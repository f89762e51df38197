import asyncio
import contextlib

from modelpick_local.command import Command
from modelpick_local.errors import BAD_SETTING_EXIT_CODE, PartFailedError, SettingError
from modelpick_local.output import Output
from modelpick_local.run import Run


async def run_once(name: str, command: Command, run: Run) -> None:
    """Run a command to its end; raise PartFailedError or SettingError when it fails."""
    log = run.home.logs / f"{name}.log"
    output = Output(log, lambda text: run.console.part(name, text))
    try:
        exit_code = await _run(command.with_mark(run.mark(name)), output)
    finally:
        output.close()
    if exit_code == BAD_SETTING_EXIT_CODE and output.last_lines:
        raise SettingError(output.last_lines[-1])
    if exit_code != 0:
        raise PartFailedError(name, f"ended with status {exit_code}", log)


async def _run(command: Command, output: Output) -> int:
    process = await asyncio.create_subprocess_exec(
        *command.argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output.writer,
        stderr=output.writer,
        **command.popen_arguments(),
    )
    output.close_writer()
    try:
        return await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
