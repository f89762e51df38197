from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.base import Base


async def insert_once(session: AsyncSession, table: type[Base], **values: Any) -> bool:
    """Insert a row under its natural key; return False when it was there already.

    This is the inbox: a message, event or mail that arrives again finds its key taken and changes nothing.
    """
    statement = (
        insert(table).values(**values).on_conflict_do_nothing().returning(*table.__mapper__.primary_key)
    )
    return (await session.execute(statement)).first() is not None
