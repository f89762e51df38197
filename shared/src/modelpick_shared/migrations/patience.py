"""Waiting for tables that others use, without making everybody wait."""

import random
import time
from collections.abc import Callable

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from modelpick_shared.errors import TransientError

log = structlog.get_logger()

# Whoever waits for a table keeps all others from it that come later: so the wait is short, and they are let
# pass in between. A back-up may be at every table for minutes.
LOCK_TIMEOUT_S = 2.0
PAUSE_S = 1.0
TRIES = 200
_LOCK_NOT_AVAILABLE = "55P03"


def patiently(connection: Connection, work: Callable[[], None]) -> None:
    """Do `work` on a connection, again and again while a table that it needs is not free.

    It goes on where it was: what it committed stays. Raises TransientError when it was in vain.
    """
    connection.execute(text(f"SET lock_timeout = {round(LOCK_TIMEOUT_S * 1000)}"))
    connection.commit()
    for _ in range(TRIES):
        try:
            work()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            connection.rollback()
            log.warning("migrations.wait", reason="a table is in use")
            time.sleep(PAUSE_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        else:
            return
    raise TransientError("migrations: a table has been in use all the time; end what uses it, and try again")
