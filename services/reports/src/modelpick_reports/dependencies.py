"""What endpoints are given: the service's parts, a transaction of their own, and parsed paths."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.templating import Jinja2Templates
from pydantic import BeforeValidator
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_reports import repository
from modelpick_reports.documents import Documents
from modelpick_reports.hub import Hub
from modelpick_reports.repository import Scope
from modelpick_shared.db import Database
from modelpick_shared.http.problems import not_found
from modelpick_shared.http.sessions import CurrentUser
from modelpick_shared.images import ImageStore


@dataclass(frozen=True)
class Parts:
    """The service's parts, wired in `app.py`."""

    database: Database
    images: ImageStore
    documents: Documents
    hub: Hub
    templates: Jinja2Templates
    site_url: str


async def parts(request: Request) -> Parts:
    """Return the running service's parts."""
    found: Parts = request.app.state.parts
    return found


UsesParts = Annotated[Parts, Depends(parts)]


async def transaction(parts: UsesParts) -> AsyncIterator[AsyncSession]:
    """Give the request one transaction, committed before the answer is sent."""
    async with parts.database.transaction() as session:
        yield session


Transaction = Annotated[AsyncSession, Depends(transaction, scope="function")]


async def snapshot(parts: UsesParts) -> AsyncIterator[AsyncSession]:
    """Let the request read one state of the database: counters and outcomes that belong together."""
    async with parts.database.snapshot() as session:
        yield session


Snapshot = Annotated[AsyncSession, Depends(snapshot, scope="function")]


def existing_id(value: str) -> UUID:
    """Parse an id of the path. What is no id at all does not exist either."""
    try:
        return UUID(value)
    except ValueError:
        raise not_found() from None


def existing_number(value: str) -> int:
    """Parse a position of the path, likewise; nothing has more than a handful of digits."""
    if not (value.isascii() and value.isdigit() and len(value) < 7):  # noqa: PLR2004 - says so above
        raise not_found()
    return int(value)


ReportId = Annotated[UUID, BeforeValidator(existing_id)]
Number = Annotated[int, BeforeValidator(existing_number)]


async def shared_report(token: str) -> Scope:
    """Return the scope of the report that the token in the path opens."""
    return repository.shared_as(token)


SharedReport = Annotated[Scope, Depends(shared_report)]


async def watched_report(report_id: ReportId, user: CurrentUser, parts: UsesParts) -> UUID:
    """Return the report of an event stream, which holds no transaction open."""
    async with parts.database.transaction() as session:
        if not await repository.exists(session, repository.owned_by(user.id, report_id)):
            raise not_found()
    return report_id


WatchedReport = Annotated[UUID, Depends(watched_report)]
