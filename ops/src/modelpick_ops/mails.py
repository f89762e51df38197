"""`modelpick mails`: those that need somebody, and what to do with one of unknown result."""

from enum import StrEnum
from typing import Any

import typer
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_ops.errors import fail, run
from modelpick_ops.printing import Json, show
from modelpick_ops.settings import address
from modelpick_shared.db import Database
from modelpick_shared.db.tables import Email

app = typer.Typer(help="Look at mails that did not arrive, and settle them.", no_args_is_help=True)

MOST_LISTED = 1000
_COLUMNS = (
    *(Email.key, Email.recipient, Email.state, Email.attempts, Email.delivery, Email.delivery_detail),
    *(Email.last_error, Email.uncertain_since, Email.created_at, Email.sent_at, Email.provider_id),
)
_SHOWN = ("key", "recipient", "state", "attempts", "delivery", "delivery_detail", "last_error", "created_at")


class Which(StrEnum):
    TROUBLED = "troubled"
    UNKNOWN = "unknown"
    PENDING = "pending"
    UNDELIVERED = "undelivered"
    ALL = "all"


_UNDELIVERED = Email.delivery.in_(("failed", "suppressed", "bounced", "complained"))
_CONDITIONS: dict[Which, ColumnElement[bool]] = {
    Which.TROUBLED: or_(Email.state.in_(("unknown", "failed")), _UNDELIVERED),
    Which.UNKNOWN: Email.state == "unknown",
    Which.PENDING: Email.state == "pending",
    Which.UNDELIVERED: _UNDELIVERED,
    Which.ALL: Email.key.is_not(None),
}


@app.command("list")
def list_mails(*, which: Which = Which.TROUBLED, as_json: Json = False) -> None:
    """List mails, newest first: by default those of unknown result, given up, bounced or complained about."""
    show(run(_rows(which)), _SHOWN, as_json=as_json)


@app.command()
def resend(key: str, *, as_json: Json = False) -> None:
    """Send a mail of unknown result, or one given up, again: it may then arrive twice."""
    show([run(_settle(key, state="pending"))], _SHOWN, as_json=as_json)


@app.command()
def settle(key: str, *, as_json: Json = False) -> None:
    """Take a mail of unknown result, or one given up, for sent, as the mail service's own list shows it."""
    show([run(_settle(key, state="sent"))], _SHOWN, as_json=as_json)


async def _rows(which: Which) -> list[dict[str, Any]]:
    statement = (
        select(*_COLUMNS).where(_CONDITIONS[which]).order_by(Email.created_at.desc()).limit(MOST_LISTED)
    )
    database = Database(address("DATABASE_URL"), application="ops")
    async with database, database.snapshot() as session:
        return [dict(row) for row in (await session.execute(statement)).mappings()]


async def _settle(key: str, *, state: str) -> dict[str, Any]:
    database = Database(address("DATABASE_URL"), application="ops")
    async with database, database.transaction() as session:
        mail = await session.scalar(select(Email).where(Email.key == key).with_for_update())
        if mail is None:
            fail(f"there is no mail {key}")
        if mail.state not in {"unknown", "failed"}:
            fail(f"the mail is {mail.state}: only one that is unknown or failed can be settled")
        if mail.text_body is None:
            fail("the mail's text was erased, so it cannot be sent again")
        return await _changed(session, mail, state)


async def _changed(session: AsyncSession, mail: Email, state: str) -> dict[str, Any]:
    mail.state, mail.uncertain_since = state, None
    mail.next_attempt_at = await session.scalar(select(func.now())) or mail.next_attempt_at
    if state == "sent":
        mail.sent_at = mail.next_attempt_at
    return {column.key: getattr(mail, column.key) for column in _COLUMNS}
