from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.customers import SignInToken, UserSession


async def add_token(session: AsyncSession, *, token_hash: bytes, email: str, lifetime: timedelta) -> UUID:
    token = SignInToken(token_hash=token_hash, email=email, expires_at=func.now() + lifetime)
    session.add(token)
    await session.flush()
    return token.id


async def use_token(session: AsyncSession, token_hash: bytes) -> str | None:
    """Consume a token and return whose it was; of two at once only one gets it."""
    statement = (
        update(SignInToken)
        .where(
            SignInToken.token_hash == token_hash,
            SignInToken.used_at.is_(None),
            SignInToken.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(SignInToken.email)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement)


async def add_session(
    session: AsyncSession, *, token_hash: bytes, user_id: UUID, lifetime: timedelta
) -> None:
    session.add(UserSession(token_hash=token_hash, user_id=user_id, expires_at=func.now() + lifetime))
    await session.flush()


async def revoke_session(session: AsyncSession, token_hash: bytes) -> None:
    statement = (
        update(UserSession)
        .where(UserSession.token_hash == token_hash, UserSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )
    await session.execute(statement)
