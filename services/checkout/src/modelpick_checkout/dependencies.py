"""What endpoints are given: the service's parts, and a transaction of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.templating import Jinja2Templates
from pydantic import BeforeValidator
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_checkout.drafts.copying import DraftCopies
from modelpick_checkout.drafts.service import Drafts
from modelpick_checkout.images.service import Images
from modelpick_checkout.orders.service import Orders
from modelpick_checkout.sign_in.service import SignIn
from modelpick_shared.catalog import Catalog
from modelpick_shared.db import Database
from modelpick_shared.http import Problem
from modelpick_shared.http.problems import not_found
from modelpick_shared.http.rate_limits import LimitName, RateLimits
from modelpick_shared.http.sessions import SESSION_COOKIE, CurrentUser, SessionReader, SignedInUser
from modelpick_shared.settings import Network


@dataclass(frozen=True)
class Parts:
    """The service's parts, wired in `app.py`. `orders` is None when payments are not configured."""

    database: Database
    catalog: Catalog
    templates: Jinja2Templates
    limits: RateLimits
    trusted_proxies: tuple[Network, ...]
    secure_cookies: bool
    sign_in: SignIn
    drafts: Drafts
    copies: DraftCopies
    images: Images
    orders: Orders | None

    def page(
        self,
        request: Request,
        template: str,
        values: dict[str, str] | None = None,
        *,
        visitor: SignedInUser | None,
        status: int = 200,
    ) -> Response:
        """Render a page for the visitor, which no browser or proxy keeps."""
        return self.templates.TemplateResponse(
            request,
            template,
            {**(values or {}), "visitor": visitor},
            status_code=status,
            headers={"Cache-Control": "no-store"},
        )


async def parts(request: Request) -> Parts:
    """Return the running service's parts."""
    found: Parts = request.app.state.parts
    return found


UsesParts = Annotated[Parts, Depends(parts)]


def existing_id(value: str) -> UUID:
    """Parse an id of the path. What is no id at all does not exist either."""
    try:
        return UUID(value)
    except ValueError:
        raise not_found() from None


PathId = Annotated[UUID, BeforeValidator(existing_id)]


async def transaction(parts: UsesParts) -> AsyncIterator[AsyncSession]:
    """Give the request one transaction, committed before the answer is sent."""
    async with parts.database.transaction() as session:
        yield session


Transaction = Annotated[AsyncSession, Depends(transaction, scope="function")]


async def orders(parts: UsesParts) -> Orders:
    """Return what takes orders, or answer 503."""
    if parts.orders is None:
        raise Problem(503, "Payments are not configured here.")
    return parts.orders


UsesOrders = Annotated[Orders, Depends(orders)]


async def visitor(request: Request) -> SignedInUser | None:
    """Return the signed-in user, if there is one: a page explains what an API refuses."""
    reader: SessionReader = request.app.state.sessions
    token = request.cookies.get(SESSION_COOKIE)
    return await reader.user_of(token) if token else None


Visitor = Annotated[SignedInUser | None, Depends(visitor)]


def counted(name: LimitName) -> Callable[..., Awaitable[None]]:
    """Return a dependency that counts the user's request, or answers 429 when there were too many."""

    async def count(user: CurrentUser, parts: UsesParts) -> None:
        async with parts.database.transaction() as session:
            await parts.limits.count(session, name, str(user.id))

    return count


# A request that is refused on sight does not count: they stand last among an endpoint's parameters.
CountedUpload = Annotated[None, Depends(counted(LimitName.UPLOADS))]
CountedCheckout = Annotated[None, Depends(counted(LimitName.CHECKOUTS))]
