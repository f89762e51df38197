from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession


def after_commit(session: AsyncSession, act: Callable[[], None]) -> None:
    """Call `act` once this transaction has committed, and not at all when it does not.

    What counts what a transaction did belongs here: one that loses a deadlock is done again.
    """
    event.listen(session.sync_session, "after_commit", lambda _: act(), once=True)
