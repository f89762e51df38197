"""Who is asking: the session cookie, looked up in the database, or a bearer token of an identity provider."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy import func, select

from modelpick_shared.db.accounts import account_of
from modelpick_shared.db.customers import User, UserSession
from modelpick_shared.db.engine import Database
from modelpick_shared.http.bearer import BearerTokens, bearer_token_of
from modelpick_shared.http.problems import Problem

SESSION_COOKIE = "modelpick_session"


def token_hash(token: str) -> bytes:
    """Return what of a token is stored: its SHA-256 (32 bytes)."""
    return hashlib.sha256(token.encode()).digest()


class SignedInUser(BaseModel):
    id: UUID
    email: str


class SessionReader:
    """Finds who sent a request; services keep one at `app.state.sessions`.

    Without `bearer_tokens` an `Authorization` header says nothing, and only the cookie counts.
    """

    def __init__(self, database: Database, bearer_tokens: BearerTokens | None = None) -> None:
        self._database = database
        self._bearer_tokens = bearer_tokens

    async def sender_of(self, request: Request) -> SignedInUser | None:
        """Return whose bearer token the request carries or, without one, whose session; None when nobody's.

        Raises Problem 401 for a bearer token that is not accepted, and TransientError when that cannot be
        told now, as the identity provider's keys cannot be had.
        """
        token = bearer_token_of(request)
        if self._bearer_tokens is not None and token is not None:
            return await self._owner_of(await self._bearer_tokens.email_of(token))
        cookie = request.cookies.get(SESSION_COOKIE)
        return await self.user_of(cookie) if cookie else None

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

    async def _owner_of(self, email: str) -> SignedInUser:
        async with self._database.transaction() as session:
            return SignedInUser(id=await account_of(session, email), email=email)


async def current_user(request: Request) -> SignedInUser:
    """Return the signed-in user, or answer 401."""
    reader: SessionReader = request.app.state.sessions
    user = await reader.sender_of(request)
    if user is None:
        raise Problem(401, "Please sign in.")
    return user


CurrentUser = Annotated[SignedInUser, Depends(current_user)]
