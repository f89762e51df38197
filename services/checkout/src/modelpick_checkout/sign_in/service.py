import secrets
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_checkout.sign_in import repository
from modelpick_shared import ids
from modelpick_shared.contracts import MailRequested, MailTemplate
from modelpick_shared.db import Outbox
from modelpick_shared.db.accounts import account_of
from modelpick_shared.http.sessions import token_hash

TOKEN_BYTES = 32
LINK_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(days=30)


class SignedIn(NamedTuple):
    """A new session: its token is for the cookie and is stored nowhere."""

    email: str
    session_token: str


class SignIn:
    """One-time links by mail, and the sessions that they open."""

    def __init__(self, outbox: Outbox, *, site_url: str) -> None:
        self._outbox = outbox
        self._site_url = site_url

    async def request_link(self, session: AsyncSession, email: str) -> None:
        """Mail a link that signs `email` in, whether it has an account or not."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        token_id = await repository.add_token(
            session, token_hash=token_hash(token), email=email, lifetime=LINK_LIFETIME
        )
        mail = MailRequested(
            template=MailTemplate.SIGN_IN,
            to=email,
            idempotency_key=ids.sign_in_mail(token_id),
            fields={"link": f"{self._site_url}/auth/verify?{urlencode({'token': token})}"},
        )
        await self._outbox.add(session, mail, erase_body=True)

    async def verify(
        self, session: AsyncSession, token: str, *, replaces: str | None = None
    ) -> SignedIn | None:
        """Consume a link's token and open a session; None when the token is unknown, used or expired.

        `replaces` is the session that the browser had until now: nobody holds its token any more.
        """
        email = await repository.use_token(session, token_hash(token))
        if email is None:
            return None
        if replaces is not None:
            await self.sign_out(session, replaces)
        return await self._open_session(session, email)

    async def _open_session(self, session: AsyncSession, email: str) -> SignedIn:
        user_id = await account_of(session, email)
        session_token = secrets.token_urlsafe(TOKEN_BYTES)
        await repository.add_session(
            session, token_hash=token_hash(session_token), user_id=user_id, lifetime=SESSION_LIFETIME
        )
        return SignedIn(email, session_token)

    async def sign_out(self, session: AsyncSession, session_token: str) -> None:
        await repository.revoke_session(session, token_hash(session_token))
