"""Find Debian's RabbitMQ, or install it without starting the package's own server."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from modelpick_local.errors import LocalError

_PACKAGE = "rabbitmq-server"
_SCRIPTS = "/usr/lib/rabbitmq/lib"
_POLICY = Path("/usr/sbin/policy-rc.d")
_DO_NOT_START = "#!/bin/sh\nexit 101\n"
_APT_GET = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "-y", "-q")
_WHAT_TO_DO = (
    "the broker needs RabbitMQ: install it (Debian, Ubuntu: apt install rabbitmq-server),"
    " or start Docker, or set RABBITMQ_URL"
)


def find_or_install(say: Callable[[str], None]) -> Path:
    """Return the folder of RabbitMQ's own scripts, installing the package when that is possible."""
    scripts = find_scripts()
    if scripts is None:
        _install(say)
        scripts = find_scripts()
    if scripts is None:
        raise LocalError(_WHAT_TO_DO)
    return scripts


def find_scripts() -> Path | None:
    """Return the newest installed `sbin`; the wrappers on the PATH switch the user, these do not."""
    found = sorted(Path(_SCRIPTS).glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return found[-1].parent if found else None


def _install(say: Callable[[str], None]) -> None:
    become_root = _become_root()
    if become_root is None or shutil.which("apt-get") is None:
        raise LocalError(_WHAT_TO_DO)
    say("RabbitMQ is not installed: installing the package rabbitmq-server with apt-get (once, about 100 MB)")
    with _own_server_kept_from_starting(become_root):
        if not _apt_get(become_root, "install", "--no-install-recommends", _PACKAGE):
            say("updating the package lists with apt-get update")
            _apt_get(become_root, "update")
            if not _apt_get(become_root, "install", "--no-install-recommends", _PACKAGE):
                raise LocalError(f"apt-get could not install {_PACKAGE}; {_WHAT_TO_DO}")


def _become_root() -> tuple[str, ...] | None:
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    asked = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)  # noqa: S603
    return (sudo, "-n") if asked.returncode == 0 else None


@contextmanager
def _own_server_kept_from_starting(become_root: tuple[str, ...]) -> Iterator[None]:
    if _POLICY.exists():
        yield
        return
    with tempfile.NamedTemporaryFile("w") as policy:
        policy.write(_DO_NOT_START)
        policy.flush()
        _run((*become_root, "install", "-m", "755", policy.name, str(_POLICY)))
    try:
        yield
    finally:
        _run((*become_root, "rm", "-f", str(_POLICY)))


def _apt_get(become_root: tuple[str, ...], *words: str) -> bool:
    return _run((*become_root, *_APT_GET, *words))


def _run(words: tuple[str, ...]) -> bool:
    finished = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if finished.returncode != 0:
        print(finished.stdout + finished.stderr, flush=True)  # noqa: T201 - the reason belongs on the screen
    return finished.returncode == 0
