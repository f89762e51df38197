"""Find Debian's RabbitMQ, or install it without starting the package's own server.

Whoever may not install gets the same packages unpacked into the home.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from modelpick_local.debian_unpack import STATUS, can_unpack, unpack
from modelpick_local.errors import LocalError
from modelpick_local.home import Home

_PACKAGE = "rabbitmq-server"
_SCRIPTS = "usr/lib/rabbitmq/lib"
_ERLANG = "usr/lib/erlang"
_SYSTEM = Path("/")
# The server runs as ourselves and by hand: it needs Erlang and libraries, not the services of a package.
_UNPACKED = r"erlang-.*|lib.*"
_POLICY = Path("/usr/sbin/policy-rc.d")
_DO_NOT_START = "#!/bin/sh\nexit 101\n"
_APT_GET = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "-y", "-q")
_WHAT_TO_DO = (
    "the broker needs RabbitMQ: install it (Debian, Ubuntu: apt install rabbitmq-server),"
    " or start Docker, or set RABBITMQ_URL"
)


@dataclass(frozen=True)
class Installation:
    """RabbitMQ's own scripts, and the variables by which they find an Erlang that is not the machine's."""

    scripts: Path
    variables: Mapping[str, str] = field(default_factory=dict)


def find_or_install(say: Callable[[str], None], home: Home) -> Installation:
    """Return the machine's RabbitMQ or the home's; without either install the one or unpack the other."""
    found = find(home)
    if found is None:
        _install(say, home)
        found = find(home)
    if found is None:
        raise LocalError(_WHAT_TO_DO)
    return found


def find(home: Home) -> Installation | None:
    """Return the machine's RabbitMQ, else the one unpacked into the home."""
    if scripts := _scripts_in(_SYSTEM):
        return Installation(scripts)
    root = unpacked_root(home)
    scripts = _scripts_in(root)
    return Installation(scripts, unpacked_variables(root)) if scripts else None


def unpacked_root(home: Home) -> Path:
    return home.root / "debian"


def unpacked_variables(root: Path) -> dict[str, str]:
    """Return where programs and libraries lie under the root of unpacked packages."""
    programs = [str(root / _ERLANG / "bin"), str(root / "usr/bin"), os.environ.get("PATH", os.defpath)]
    libraries = {str(library.parent) for library in root.glob("usr/lib/*-linux-*/*.so.*")}
    libraries |= {str(library.parent) for library in root.glob("lib/*-linux-*/*.so.*")}
    found = {"LD_LIBRARY_PATH": ":".join(sorted(libraries))} if libraries else {}
    return {"PATH": ":".join(programs), **found}


def unpack_rabbit(root: Path, *, say: Callable[[str], None], status: Path = STATUS) -> None:
    """Unpack RabbitMQ and Erlang under a root, and tell Erlang's scripts of it. Raises LocalError."""
    unpack(_PACKAGE, root, say, wanted=_UNPACKED, status=status)
    erlang = root / _ERLANG
    for script in (
        erlang / "bin/erl",
        erlang / "bin/start",
        *erlang.glob("erts-*/bin/erl"),
        *erlang.glob("erts-*/bin/start"),
    ):
        script.write_text(script.read_text().replace(f"ROOTDIR=/{_ERLANG}", f'ROOTDIR="{erlang}"'))


def _scripts_in(root: Path) -> Path | None:
    """Return the newest `sbin`; the wrappers on the PATH switch the user, these do not."""
    found = sorted((root / _SCRIPTS).glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return found[-1].parent if found else None


def _install(say: Callable[[str], None], home: Home) -> None:
    become_root = _become_root()
    if become_root is None and can_unpack():
        say("RabbitMQ is not installed, nor may we: unpacking Debian's packages (once, about 100 MB)")
        unpack_rabbit(unpacked_root(home), say=say)
        return
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
