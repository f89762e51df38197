"""Who is asking: the session cookie, looked up in the database."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy import func, select

from modelpick_shared.db.customers import User, UserSession
from modelpick_shared.db.engine import Database
from modelpick_shared.http.problems import Problem

SESSION_COOKIE = "modelpick_session"


def token_hash(token: str) -> bytes:
    """Return what of a token is stored: its SHA-256 (32 bytes)."""
    return hashlib.sha256(token.encode()).digest()


class SignedInUser(BaseModel):
    id: UUID
    email: str


class SessionReader:
    """Finds the user of a session; services keep one at `app.state.sessions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def user_of(self, token: str) -> SignedInUser | None:
        """Return whose session the token opens; None when it is unknown, expired or revoked."""
        statement = (
            select(User.id, User.email)
            .join(UserSession, UserSession.user_id == User.id)
            .where(
                UserSession.token_hash == token_hash(token),
                UserSession.expires_at > func.now(),
                UserSession.revoked_at.is_(None),
            )
        )
        async with self._database.transaction() as session:
            row = (await session.execute(statement)).first()
        return SignedInUser(id=row.id, email=row.email) if row else None


async def current_user(request: Request) -> SignedInUser:
    """Return the signed-in user, or answer 401."""
    token = request.cookies.get(SESSION_COOKIE)
    reader: SessionReader = request.app.state.sessions
    user = await reader.user_of(token) if token else None
    if user is None:
        raise Problem(401, "Please sign in.")
    return user


CurrentUser = Annotated[SignedInUser, Depends(current_user)]
