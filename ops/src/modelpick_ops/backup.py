"""`modelpick backup` and `modelpick restore`: the database as one file, and back."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from modelpick_local.errors import LocalError
from modelpick_local.home import Home
from modelpick_local.postgres import NativePostgres
from modelpick_local.settings import home_path
from modelpick_ops.errors import USAGE, fail
from modelpick_ops.postgres_programs import (
    ProgramError,
    Programs,
    connection_words,
    environment,
    find_programs,
)
from modelpick_ops.printing import Json, show
from modelpick_ops.settings import address, given, of_running_system
from modelpick_shared.broker.topology import Service
from modelpick_shared.db.migrate import upgrade
from modelpick_shared.db.revisions import known_revisions
from modelpick_shared.db.roles import establish
from modelpick_shared.errors import ModelPickError

_BEGIN = b"BEGIN; DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;\n"
_COMMIT = b"\nCOMMIT;\n"
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
_SERVICES = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name = ANY(%s) ORDER BY 1
"""
_LAST_LINES = 3

File = Annotated[Path, typer.Argument(dir_okay=False, help="The back-up's file.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace what the database holds.")]


def backup(file: File, *, as_json: Json = False) -> None:
    """Write the whole database into one file, as it stands now; services may go on running.

    Images are not part of it: copy the image store afterwards.
    """
    if file.exists():
        fail(f"{file} exists already", code=USAGE)
    with _failing_plainly(), _database() as url:
        revision = _dump(url, file)
    _tell(file, revision, as_json=as_json)


def restore(file: File, *, replace: Replace = False, as_json: Json = False) -> None:
    """Put a back-up into the database and bring its tables up to date. Wholly or not at all.

    Every service has to be stopped.
    """
    if not file.is_file():
        fail(f"there is no file {file}", code=USAGE)
    with _failing_plainly(), _database() as url:
        programs = _programs(url)
        revision = _revision(programs, file)
        if revision not in known_revisions():
            fail(f"the back-up is of a newer release (tables {revision}): restore it with that one")
        _refuse_if_in_use(url, replace=replace)
        _load(programs, url, file)
        upgrade(url)
        establish(url, {})
    _tell(file, revision, as_json=as_json)


def _tell(file: Path, revision: str, *, as_json: bool) -> None:
    row = {"file": str(file), "bytes": file.stat().st_size, "tables": revision, "images": "not included"}
    show([row], tuple(row), as_json=as_json)


@contextmanager
def _database() -> Iterator[str]:
    """Give the database's address; that of a local run that is stopped is started meanwhile."""
    home = Home(home_path())
    stopped = not (given("DATABASE_URL") or of_running_system("DATABASE_URL"))
    if stopped and (home.folder("secrets") / "postgres-password").exists():
        with NativePostgres(home.root) as server:
            yield server.url
    else:
        yield address("DATABASE_URL")


@contextmanager
def _failing_plainly() -> Iterator[None]:
    try:
        yield
    except (ModelPickError, LocalError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except psycopg.Error as error:
        fail(f"database: {error}")


def _programs(url: str) -> Programs:
    with psycopg.connect(url) as connection:
        return find_programs(connection.info.server_version // 10_000)


def _dump(url: str, file: Path) -> str:
    """Write a back-up; return the revision of its tables.

    It is written under a name of its own first, readable by its owner alone, and gets its name once it is on
    the disk, which pg_dump sees to, and can be read: a back-up is whole or not there.
    """
    programs = _programs(url)
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".draft", dir=file.parent)
    os.close(number)
    draft = Path(name)
    try:
        words = ["--format=custom", f"--file={draft}", *connection_words(url)]
        _run([programs.path("pg_dump"), *words], url)
        revision = _revision(programs, draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return revision


def _revision(programs: Programs, file: Path) -> str:
    """Return the revision of a back-up's tables."""
    words = [programs.path("pg_restore"), "--data-only", "--table=alembic_version", "--file=-", str(file)]
    lines = _run(words).splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("COPY ")]
    if not starts:
        raise ProgramError(f"{file} is no back-up of this system")
    return lines[starts[0] + 1].strip()


def _refuse_if_in_use(url: str, *, replace: bool) -> None:
    with psycopg.connect(url) as connection:
        names = [service.value for service in Service if service is not Service.OPS]
        running = [name for (name,) in connection.execute(_SERVICES, [names]).fetchall()]
        row = connection.execute(_TABLES).fetchone()
    if running:
        fail(f"services are connected to the database ({', '.join(running)}): stop them first")
    if row and row[0] and not replace:
        fail("the database is not empty: --replace puts the back-up in the place of all it holds", code=USAGE)


def _load(programs: Programs, url: str, file: Path) -> None:
    """Load everything in one transaction, which only a back-up that was read to its end commits."""
    reading = [programs.path("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(file)]
    writing = [programs.path("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *connection_words(url), "-f", "-"]
    with tempfile.TemporaryFile() as said:
        reader = subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=said)  # noqa: S603 - found by us
        writer = subprocess.Popen(  # noqa: S603 - found by us
            writing, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=dict(environment(url))
        )
        with reader, writer, suppress(BrokenPipeError):  # psql ends at its first error
            _pass_on(reader, writer)
        if reader.returncode or writer.returncode:
            said.seek(0)
            raise ProgramError(f"nothing was restored: {_ending(said.read().decode(errors='replace'))}")


def _pass_on(reader: "subprocess.Popen[bytes]", writer: "subprocess.Popen[bytes]") -> None:
    if reader.stdout is None or writer.stdin is None:
        raise ProgramError("the programs have no pipes")
    with writer.stdin as script:
        script.write(_BEGIN)
        shutil.copyfileobj(reader.stdout, script)
        if reader.wait() == 0:
            script.write(_COMMIT)


def _run(words: list[str], url: str | None = None) -> str:
    finished = subprocess.run(  # noqa: S603 - a program that we found, and words that are no shell's
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=dict(environment(url)) if url else None,
        check=False,
    )
    if finished.returncode != 0:
        raise ProgramError(f"{Path(words[0]).name} failed: {_ending(finished.stderr)}")
    return finished.stdout


def _ending(said: str) -> str:
    return " ".join(said.strip().splitlines()[-_LAST_LINES:])
