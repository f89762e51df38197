import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import QueuePool

from modelpick_shared.db.revisions import why_too_old
from modelpick_shared.db.tracing import trace_queries
from modelpick_shared.errors import TransientError

CLOSING_S = 5
_LOOK_AGAIN_S = 0.005
_DEADLOCK_OR_SERIALISATION = {"40001", "40P01"}


def sqlalchemy_url(url: str) -> str:
    """Return a libpq address in SQLAlchemy's spelling, with psycopg 3 as its driver."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


class Database:
    """A pool of connections and the one way to open a transaction."""

    def __init__(self, url: str, *, application: str, pool_size: int = 8) -> None:
        self._engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=10,
            hide_parameters=True,
            connect_args={"application_name": application, "connect_timeout": 5},
        )
        trace_queries(self._engine.sync_engine)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._is_new_enough = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_returned(), CLOSING_S)
        await self._engine.dispose()

    async def _all_returned(self) -> None:
        """Wait until no connection is in use: disposing forgets those that are, and leaves them open.

        A cancelled transaction may end after its caller: SQLAlchemy closes its session in another task.
        """
        pool = self._engine.pool
        while isinstance(pool, QueuePool) and pool.checkedout():  # noqa: ASYNC110 - a pool has no event for it
            await asyncio.sleep(_LOOK_AGAIN_S)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a session whose work commits together when the block ends, or not at all.

        Raises TransientError when the database is away, or the transaction lost a deadlock.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except SQLAlchemyError as error:
            if is_transient(error):
                raise TransientError(f"database: {error.__class__.__name__}") from error
            raise

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """Open a session that only reads, and sees the database as it is now whatever is committed meanwhile.

        Raises TransientError as `transaction` does.
        """
        async with self.transaction() as session:
            await session.connection(
                execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            )
            yield session

    async def ping(self) -> str | None:
        """Return None when the database answers and its schema is as new as this release needs, else why not.

        Tables only get newer while a service runs: they are asked about until they suffice, and again only
        after the database was away, when it may be another one that comes back.
        """
        try:
            async with self._engine.connect() as connection:
                if self._is_new_enough:
                    await connection.execute(text("SELECT 1"))
                    return None
                reason = await why_too_old(connection)
        except (SQLAlchemyError, OSError) as error:
            self._is_new_enough = False
            return f"database: {error.__class__.__name__}"
        self._is_new_enough = reason is None
        return f"database: {reason}" if reason else None


def is_transient(error: SQLAlchemyError) -> bool:
    """Say whether the same transaction may succeed later."""
    if not isinstance(error, DBAPIError):
        return error.__class__.__name__ == "TimeoutError"
    if error.connection_invalidated or error.__class__.__name__ == "OperationalError":
        return True
    return getattr(error.orig, "sqlstate", None) in _DEADLOCK_OR_SERIALISATION
