"""Debian's packages for somebody who may not install any: downloaded, and unpacked into a folder of theirs.

apt resolves and checks them as it always does, from the machine's own mirrors and keys; only what it writes
lies in that folder.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from modelpick_local.errors import LocalError

STATUS = Path("/var/lib/dpkg/status")
_PROGRAMS = ("apt-get", "dpkg-deb")
_TIMEOUT_S = 900
# As a user, apt may neither lock nor drop its rights; both matter to root alone.
_AS_A_USER = (
    "Debug::NoLocking=true",
    "APT::Sandbox::User=",
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
)
_LISTS = Path("/var/lib/apt/lists")


def can_unpack() -> bool:
    return all(map(shutil.which, _PROGRAMS))


def unpack(
    package: str, folder: Path, say: Callable[[str], None], *, wanted: str = ".*", status: Path = STATUS
) -> None:
    """Unpack a package, and what it needs and this machine has not got, into a folder: whole or not at all.

    Of what it needs only packages whose names match `wanted` are taken. Raises LocalError.
    """
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    for part in ("lists/partial", "archives/partial", "root"):
        (draft / part).mkdir(parents=True)
    _download(_Apt(draft, status), package, re.compile(wanted), say)
    for archive in sorted((draft / "archives").glob("*.deb")):
        _run(("dpkg-deb", "-x", str(archive), str(draft / "root")), draft)
    shutil.rmtree(folder, ignore_errors=True)
    (draft / "root").rename(folder)
    shutil.rmtree(draft)


class _Apt:
    """apt-get, which writes into one folder alone; its lists are the machine's unless there are none."""

    def __init__(self, folder: Path, status: Path) -> None:
        self.archives = folder / "archives"
        self._folder = folder
        self._status = status
        self._lists = _LISTS

    def own_lists(self) -> None:
        """Fetch package lists of our own, where the machine's are missing or too old to download by."""
        self._lists = self._folder / "lists"
        self("update")

    def __call__(self, *words: str) -> str:
        places = (
            f"Dir::State::lists={self._lists}",
            f"Dir::State::status={self._status}",
            f"Dir::Cache={self._folder}",
            f"Dir::Cache::archives={self.archives}",
        )
        options = [word for option in (*_AS_A_USER, *places) for word in ("-o", option)]
        return _run(("apt-get", "-q", *options, *words), self.archives)


def _download(apt: _Apt, package: str, wanted: re.Pattern[str], say: Callable[[str], None]) -> None:
    try:
        apt("download", *_missing(apt, package, wanted))
    except LocalError:
        say("fetching package lists of our own with apt-get update")
        apt.own_lists()
        apt("download", *_missing(apt, package, wanted))


def _missing(apt: _Apt, package: str, wanted: re.Pattern[str]) -> Sequence[str]:
    """Return what an installation would install, each with its version."""
    planned = apt("install", "--simulate", "--no-install-recommends", package)
    found = re.findall(r"^Inst (\S+)(?: \[\S+\])? \((\S+)", planned, re.MULTILINE)
    return [f"{name}={version}" for name, version in found if name == package or wanted.fullmatch(name)]


def _run(words: Sequence[str], folder: Path) -> str:
    finished = subprocess.run(  # noqa: S603
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
        cwd=folder,
    )
    if finished.returncode != 0:
        said = (finished.stderr or finished.stdout).strip().splitlines()
        raise LocalError(f"{words[0]} failed: {said[-1] if said else finished.returncode}")
    return finished.stdout
