"""Rate limits, counted in PostgreSQL so that any number of replicas agree.

A row holds when a limit let its subject pass within the window: at most N times for N events. A request
passes when the N-th newest is out of the window, so no window of that length, wherever it begins, sees more
than N. (A bucket that refills, as GCRA, needs one number only, but lets almost 2 N through in its first.)
"""

import hashlib
import math
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.http.problems import Problem
from modelpick_shared.settings import RateLimit, RateLimitSettings

log = structlog.get_logger()

# Looks before it locks: a flood from one subject that is refused anyway must not queue up at its row. What
# passes the look is decided under the lock, by a clock read there: now() is when the transaction began.
_ADMIT = text("""
    INSERT INTO rate_limits AS held (name, subject, admitted_at, expires_at)
    SELECT :name, :subject, ARRAY[clock_timestamp()], clock_timestamp() + :window
    WHERE NOT EXISTS (
        SELECT FROM rate_limits WHERE name = :name AND subject = :subject
        AND admitted_at[cardinality(admitted_at) - :events + 1] > clock_timestamp() - :window)
    ON CONFLICT (name, subject) DO UPDATE SET
        admitted_at = ARRAY(
            SELECT t FROM unnest(held.admitted_at) AS t WHERE t > clock_timestamp() - :window ORDER BY t
        ) || clock_timestamp(),
        expires_at = clock_timestamp() + :window
    WHERE (held.admitted_at[cardinality(held.admitted_at) - :events + 1] <= clock_timestamp() - :window)
        IS NOT FALSE
    RETURNING true
""")
_WAIT_S = text("""
    SELECT extract(epoch FROM
        admitted_at[cardinality(admitted_at) - :events + 1] + :window - clock_timestamp())::float
    FROM rate_limits WHERE name = :name AND subject = :subject
""")


class LimitName(StrEnum):
    """What is limited, and by whom it is counted."""

    SIGN_IN_PER_IP = "sign_in_per_ip"
    SIGN_IN_PER_ADDRESS = "sign_in_per_address"
    UPLOADS = "uploads"
    CHECKOUTS = "checkouts"


class RateLimits:
    """Lets requests pass as often as the settings say.

    Whoever counts two limits in one transaction counts them in the order of `LimitName`: a row stays locked
    until the commit, and one order means no deadlock.
    """

    def __init__(self, settings: RateLimitSettings) -> None:
        self._limits = {
            LimitName.SIGN_IN_PER_IP: settings.rate_limit_sign_in_per_ip,
            LimitName.SIGN_IN_PER_ADDRESS: settings.rate_limit_sign_in_per_address,
            LimitName.UPLOADS: settings.rate_limit_uploads,
            LimitName.CHECKOUTS: settings.rate_limit_checkouts,
        }

    async def count(self, session: AsyncSession, name: LimitName, subject: str) -> None:
        """Count one request of `subject` (stored hashed), which commits with the session.

        Raises Problem 429 with `Retry-After` when the limit is reached. The request then counts nowhere:
        the problem rolls the transaction back, with what other limits had counted.
        """
        limit = self._limits[name]
        if limit.events == 0:
            return
        row = {"name": name.value, "subject": _hashed(subject), **_parameters(limit)}
        if await session.scalar(_ADMIT, row):
            return
        wait_s = max(1, math.ceil(await session.scalar(_WAIT_S, row) or 0))
        log.info("rate_limit.reached", limit=name.value, retry_after_s=wait_s)
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "There were too many of these requests. Please try again later.",
            headers={"Retry-After": str(wait_s)},
        )


def _parameters(limit: RateLimit) -> dict[str, object]:
    return {"events": limit.events, "window": timedelta(seconds=limit.window_s)}


def _hashed(subject: str) -> bytes:
    return hashlib.sha256(subject.encode()).digest()
