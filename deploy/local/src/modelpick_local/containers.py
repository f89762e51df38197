"""The little of Docker that the launcher uses."""

import functools
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelpick_local.ports import LOOPBACK

_RUN_LABEL = "modelpick.run"
_ANSWER_TIMEOUT_S = 10
_REMOVE_TIMEOUT_S = 60


@dataclass(frozen=True)
class Container:
    """A container that runs in the foreground of its client, published on loopback, its data in a volume.

    `files` of this machine are to be found at those paths inside, to be read.
    """

    name: str
    image: str
    environment: Mapping[str, str]
    port: int
    inner_port: int
    data_folder: str
    files: Mapping[Path, str] = field(default_factory=dict)

    def run_command(self, run_id: str) -> tuple[str, ...]:
        names = (f"--env={name}" for name in self.environment)  # values stay out of the process list
        return (
            *("docker", "run", "--rm", f"--name={self.name}", f"--hostname={self.name}"),
            f"--label={_RUN_LABEL}={run_id}",
            f"--publish={LOOPBACK}:{self.port}:{self.inner_port}",
            f"--volume={self.name}:{self.data_folder}",
            *(f"--volume={outside}:{inside}:ro" for outside, inside in self.files.items()),
            *names,
            self.image,
        )

    def remove(self) -> None:
        """Remove what a killed client left: the container outlives it."""
        _docker("rm", "--force", self.name)


@functools.cache
def engine_answers() -> bool:
    """Tell whether a Docker engine answers; the client alone is often installed without one."""
    if shutil.which("docker") is None:
        return False
    try:
        answer = _docker("info", "--format", "{{.ServerVersion}}", timeout_s=_ANSWER_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0 and bool(answer.stdout.strip())


def remove_run(run_id: str) -> None:
    """Remove the containers of a run that did not go with their client."""
    if not engine_answers():
        return
    listed = _docker("ps", "--all", "--quiet", "--filter", f"label={_RUN_LABEL}={run_id}")
    if names := listed.stdout.split():
        _docker("rm", "--force", *names)


def remove_volumes(home_key: str) -> None:
    """Remove what the containers of a home have stored."""
    if engine_answers():
        _docker(
            "volume", "rm", "--force", *(f"modelpick-{home_key}-{kind}" for kind in ("database", "broker"))
        )


def _docker(*words: str, timeout_s: float = _REMOVE_TIMEOUT_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [shutil.which("docker") or "docker", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
