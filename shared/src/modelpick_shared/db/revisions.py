"""Revisions of the tables: those this release knows, and whether a database's are as new as it needs."""

import re
from functools import cache
from importlib import resources

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

REVISION_TABLE = "alembic_version"
REVISION_COLUMN = "version_num"
_FILE = re.compile(r"(\d{4})_\w+\.py")
_NO_TABLE, _FORBIDDEN = "42P01", "42501"
_REVISION = text(f"SELECT {REVISION_COLUMN} FROM {REVISION_TABLE}")  # noqa: S608 - both are ours


@cache
def known_revisions() -> frozenset[str]:
    """Return every revision of the tables that this release knows.

    The migrations' files are named after them: asking Alembic would cost each service 9 MB and 90 ms.
    """
    folder = resources.files("modelpick_shared") / "migrations" / "versions"
    return frozenset(match[1] for file in folder.iterdir() if (match := _FILE.fullmatch(file.name)))


def newest_revision() -> str:
    """Return the revision of the tables that this release is made for."""
    return max(known_revisions())


async def why_too_old(connection: AsyncConnection) -> str | None:
    """Return None when the database's tables are as new as this release needs, else what to do.

    A revision that this release does not know is a later one's: migrations run first and only add, so the
    release before goes on beside them.
    """
    revision = await _revision_of(connection)
    if revision == newest_revision() or (revision and revision not in known_revisions()):
        return None
    has = f"revision {revision}" if revision else "no revision that this service may see"
    return f"the schema has {has}, this release needs {newest_revision()}: run its migrations"


async def _revision_of(connection: AsyncConnection) -> str | None:
    """Return None for a database without tables, or without this release's grants."""
    try:
        found: str | None = await connection.scalar(_REVISION)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) not in {_NO_TABLE, _FORBIDDEN}:
            raise
        return None
    return found
