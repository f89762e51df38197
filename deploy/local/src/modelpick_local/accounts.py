import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_UNPRIVILEGED_NAMES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of this machine that a part runs as."""

    name: str
    uid: int
    gid: int

    def can_reach(self, path: Path) -> bool:
        """Tell whether this user gets to a path through every folder above it."""
        return self._succeeds("-e", path)

    def can_enter(self, folder: Path) -> bool:
        return self._succeeds("-x", folder)

    def give(self, path: Path) -> None:
        """Make the account own a path; nothing to do when it is ours already."""
        if os.geteuid() == 0:
            shutil.chown(path, self.uid, self.gid)

    def _succeeds(self, test: str, path: Path) -> bool:
        if os.geteuid() != 0:
            return os.access(path, os.F_OK if test == "-e" else os.X_OK)
        finished = subprocess.run(  # noqa: S603
            ["/usr/bin/test", test, str(path)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return finished.returncode == 0


def server_account() -> Account:
    """Return whom a database server runs as: ourselves, or an unprivileged account when we are root."""
    if os.geteuid() != 0:
        return _account(pwd.getpwuid(os.geteuid()))
    for name in _UNPRIVILEGED_NAMES:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    return Account("nobody", 65534, 65534)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
