from datetime import UTC, datetime, timedelta

# A round trip longer than this says little about the moment at which it was answered.
SLOW = timedelta(seconds=1)


class Clock:
    """This machine's clock, corrected by what the database's clock showed."""

    def __init__(self) -> None:
        self._offset = timedelta(0)
        self._best: timedelta | None = None

    def now(self) -> datetime:
        """Return the database's time, as well as it is known, in UTC."""
        return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        """How far this machine's clock is behind the database's."""
        return self._offset

    def learn(self, database_time: datetime, sent_at: datetime, received_at: datetime) -> None:
        """Correct by an answer that the database's clock dated; the other times are this machine's own.

        The answer is taken for the middle of its round trip (RFC 5905, 8). One slower than a second is
        ignored when a faster one is known, and one that came before it was asked for always.
        """
        took = received_at - sent_at
        if took < timedelta(0) or (took > SLOW and self._best is not None and took > self._best):
            return
        self._best = took if self._best is None else min(self._best, took)
        self._offset = database_time - (sent_at + took / 2)
