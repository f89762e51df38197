"""Programs of Debian's packages: found on the PATH, else installed where this user may."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from modelpick_local.errors import LocalError

_APT_GET = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "-y", "-q")


def find_or_install(programs: Sequence[str], package: str, say: Callable[[str], None]) -> Path:
    """Return the first of the programs that there is, installing the package when there is none.

    Raises LocalError, with what to do, where that is not possible.
    """
    found = find_program(programs)
    if found is None:
        install(package, say)
        found = find_program(programs)
    if found is None:
        raise LocalError(f"the package {package} came without {' or '.join(programs)}")
    return found


def find_program(programs: Sequence[str]) -> Path | None:
    found = next(filter(None, map(shutil.which, programs)), None)
    return Path(found) if found else None


def install(package: str, say: Callable[[str], None]) -> None:
    """Install a package with what it needs and no more. Raises LocalError."""
    become_root = root_prefix()
    if become_root is None or shutil.which("apt-get") is None:
        raise LocalError(f"{package} is not installed: install it (Debian, Ubuntu: apt install {package})")
    say(f"{package} is not installed: installing Debian's package with apt-get (once)")
    if _installed(become_root, package):
        return
    say("updating the package lists with apt-get update")
    _apt_get(become_root, "update")
    if not _installed(become_root, package):
        raise LocalError(f"apt-get could not install {package}: install it (apt install {package})")


def root_prefix() -> tuple[str, ...] | None:
    """Return the words that make a command root's, none for root itself; None where nobody may."""
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    asked = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)  # noqa: S603
    return (sudo, "-n") if asked.returncode == 0 else None


def _installed(become_root: tuple[str, ...], package: str) -> bool:
    return _apt_get(become_root, "install", "--no-install-recommends", package)


def _apt_get(become_root: tuple[str, ...], *words: str) -> bool:
    finished = subprocess.run(  # noqa: S603
        (*become_root, *_APT_GET, *words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        print(finished.stdout + finished.stderr, flush=True)  # noqa: T201 - the reason belongs on the screen
    return finished.returncode == 0
