from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.customers import User
from modelpick_shared.db.inbox import insert_once
from modelpick_shared.ids import new_id


async def account_of(session: AsyncSession, email: str) -> UUID:
    """Return the account of a normalised address, made now if there was none; of two at once both get it."""
    statement = select(User.id).where(User.email == email)
    found = await session.scalar(statement)
    if found is not None:
        return found
    await insert_once(session, User, id=new_id(), email=email)
    return (await session.scalars(statement)).one()
