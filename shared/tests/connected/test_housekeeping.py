"""What is not needed any more goes when its time has come, and nothing else."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from modelpick_shared.broker import BrokerConnector
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db import Database
from modelpick_shared.db.grants import Role
from modelpick_shared.db.tables import (
    Draft,
    DraftImage,
    Email,
    EmailEvent,
    ImageDeletion,
    Order,
    OutboxMessage,
    Reconciliation,
    Refund,
    RequestCount,
    SignInToken,
    StripeEvent,
    User,
    UserSession,
)
from modelpick_shared.housekeeping import Kind, all_chores
from modelpick_shared.housekeeping.chores import RowChore
from modelpick_shared.ids import new_id
from modelpick_shared.settings import HousekeepingSettings
from modelpick_shared.testing import an_order_for, config_snapshot, insert_report

pytestmark = pytest.mark.connected

NO_BROKER = BrokerConnector("amqp://guest:guest@127.0.0.1:1/", name="test")


@pytest.fixture
async def database(fresh_database_url):
    async with Database(fresh_database_url, application="test") as database:
        yield database


@pytest.fixture
async def service_database(database_url_as):
    """Return the database under the role of the service that does this."""
    async with Database(database_url_as(Role.ORCHESTRATOR), application="test") as database:
        yield database


@pytest.fixture
def chores(service_database):
    """Return what is done, by its kind, as long as it needs no broker."""
    settings = HousekeepingSettings(_env_file=None)
    chores = all_chores(service_database, NO_BROKER, load_catalog(), settings)
    return {chore.kind: chore for chore in chores if chore.kind is not Kind.DEAD_LETTERS}


@pytest.fixture
def insert(database):
    async def add(*rows):
        async with database.transaction() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    return add


@pytest.fixture
def left(database):
    """Give what reads the ids that are left in a table."""

    async def read(table):
        async with database.transaction() as session:
            return set(await session.scalars(select(table.__mapper__.primary_key[0])))

    return read


def ago(**time):
    return datetime.now(UTC) - timedelta(**time)


def message(sent_at):
    return OutboxMessage(
        source="test",
        exchange="",
        routing_key="",
        type="t",
        headers={},
        sent_at=sent_at,
        created_at=ago(days=99),
    )


def mail(key, state, days):
    fields = {"template": "t", "recipient": "a@example.com", "subject": "s", "message_id": f"<{key}>"}
    return Email(key=key, state=state, created_at=ago(days=days), **fields)


def heard_of(key, event_id, days):
    return EmailEvent(
        id=event_id,
        email_key=key,
        type="email.delivered",
        occurred_at=ago(days=days),
        received_at=ago(days=days),
    )


def a_user(name="ada"):
    return User(id=new_id(), email=f"{name}@example.com")


def an_order(user, status, settled_at):
    order = an_order_for(user.id, new_id(), config_snapshot(models=1, images=1))
    order.status, order.settled_at = status, settled_at
    return order


async def done(chore):
    """Do a chore; return how many were due before, removed, and due afterwards."""
    return await chore.count(), await chore.remove(), await chore.count()


async def test_sent_messages_go_after_a_week_and_unsent_ones_never(chores, insert, left):
    old, young, unsent = message(ago(days=7, minutes=1)), message(ago(days=6, hours=23)), message(None)
    await insert(old, young, unsent)
    assert await done(chores[Kind.SENT_MESSAGES]) == (1, 1, 0)
    assert await left(OutboxMessage) == {young.id, unsent.id}


async def test_stripe_events_go_after_90_days(chores, insert, left):
    events = [StripeEvent(id=f"evt_{days}", type="t", received_at=ago(days=days)) for days in (89, 91)]
    await insert(*events)
    assert await done(chores[Kind.STRIPE_EVENTS]) == (1, 1, 0)
    assert await left(StripeEvent) == {"evt_89"}


async def test_tokens_sessions_and_limits_go_when_they_are_over(chores, insert, left):
    user, soon, over = a_user(), ago(hours=-1), ago(seconds=1)
    await insert(
        user,
        SignInToken(token_hash=b"a", email="a@example.com", expires_at=over),
        valid := SignInToken(token_hash=b"b", email="a@example.com", expires_at=soon),
        UserSession(token_hash=b"over", user_id=user.id, expires_at=over),
        UserSession(token_hash=b"revoked", user_id=user.id, expires_at=soon, revoked_at=over),
        UserSession(token_hash=b"valid", user_id=user.id, expires_at=soon),
        RequestCount(name="a", subject=b"a", admitted_at=[over], expires_at=over),
        RequestCount(name="b", subject=b"a", admitted_at=[over], expires_at=soon),
    )
    assert await done(chores[Kind.SIGN_IN_TOKENS]) == (1, 1, 0)
    assert await done(chores[Kind.SESSIONS]) == (2, 2, 0)
    assert await done(chores[Kind.RATE_LIMITS]) == (1, 1, 0)
    assert (await left(SignInToken), await left(UserSession)) == ({valid.id}, {b"valid"})
    assert await left(RequestCount) == {"b"}


async def test_mails_go_after_half_a_year_unless_they_wait_for_somebody(chores, insert, left):
    states = ("sent", "failed", "pending", "unknown")
    await insert(*(mail(state, state, days=181) for state in states), mail("young", "sent", days=179))
    await insert(heard_of("sent", "a", days=1))
    assert await done(chores[Kind.MAILS]) == (2, 2, 0)
    assert await left(Email) == {"pending", "unknown", "young"}
    assert await left(EmailEvent) == set()


async def test_what_was_told_of_mails_goes_after_90_days(chores, insert, left):
    await insert(mail("m", "sent", days=100), heard_of("m", "old", days=91), heard_of("m", "young", days=89))
    assert await done(chores[Kind.MAIL_EVENTS]) == (1, 1, 0)
    assert (await left(EmailEvent), await left(Email)) == ({"young"}, {"m"})


async def test_finished_reconciliations_go_after_a_month(chores, insert, left):
    old = Reconciliation(id=new_id(), requested_at=ago(days=40), finished_at=ago(days=31))
    young = Reconciliation(id=new_id(), requested_at=ago(days=40), finished_at=ago(days=29))
    asked = Reconciliation(id=new_id(), requested_at=ago(days=40))
    await insert(old, young, asked)
    assert await done(chores[Kind.RECONCILIATIONS]) == (1, 1, 0)
    assert await left(Reconciliation) == {young.id, asked.id}


async def test_orders_that_nobody_paid_go_half_a_year_after_the_last_word_on_them(chores, insert, left):
    user = a_user()
    gone = [an_order(user, status, ago(days=181)) for status in ("expired", "cancelled")]
    stay = [
        an_order(user, "expired", ago(days=179)),
        an_order(user, "expired", None),
        an_order(user, "open", None),
        an_order(user, "paid", ago(days=900)),
        an_order(user, "problem", ago(days=900)),
        paid_back := an_order(user, "cancelled", ago(days=900)),
    ]
    refund = Refund(payment_intent_id="pi", order_id=paid_back.id, amount_cents=1, reason="r")
    await insert(user, *gone, *stay, refund)
    assert await done(chores[Kind.UNPAID_ORDERS]) == (2, 2, 0)
    assert await left(Order) == {order.id for order in stay}


async def test_reports_and_what_they_rest_on_stay_however_old(chores, database, left):
    async with database.transaction() as session:
        config: ConfigSnapshot = config_snapshot()
        report = await insert_report(session, config, status="complete", completed_at=ago(days=4000))
        await session.execute(update(Draft).values(updated_at=ago(days=4000)))
        await session.execute(update(Order).values(settled_at=ago(days=4000)))
        await session.execute(text("UPDATE reports SET created_at = now() - interval '4000 days'"))
    for chore in chores.values():
        await chore.remove()
    for table, key in ((Draft, report.draft_id), (Order, report.order_id), (User, report.user_id)):
        assert await left(table) == {key}
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT images_removed_at FROM reports")) is not None


async def test_an_image_that_a_paid_draft_got_after_its_order_goes_with_the_others(chores, database, left):
    async with database.transaction() as session:
        config: ConfigSnapshot = config_snapshot()
        report = await insert_report(session, config, status="complete", completed_at=ago(days=91))
        await session.execute(text("UPDATE reports SET created_at = now() - interval '91 days'"))
    later = DraftImage(
        draft_id=report.draft_id,
        position=9,
        storage_key="later",
        sha256="later",
        media_type="image/png",
        width=1,
        height=1,
        bytes=1,
    )
    async with database.transaction() as session:
        session.add(later)
    assert await done(chores[Kind.REPORT_IMAGES]) == (1, 1, 0)
    assert await left(DraftImage) == set()
    assert await left(ImageDeletion) == {"later", *(image.key for image in config.images)}


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7])
async def test_many_go_in_small_steps(database, insert, left, rows):
    await insert(*(StripeEvent(id=str(number), type="t") for number in range(rows)))
    chore = RowChore(database, Kind.STRIPE_EVENTS, StripeEvent, StripeEvent.type == "t", batch=2)
    assert await chore.remove() == rows
    assert await left(StripeEvent) == set()


async def test_a_step_takes_no_more_than_its_batch(database, insert, left):
    await insert(*(StripeEvent(id=str(number), type="t") for number in range(9)))
    chore = RowChore(database, Kind.STRIPE_EVENTS, StripeEvent, StripeEvent.type == "t")
    async with database.transaction() as session:
        assert await chore.remove_some(session, 4) == 4
    assert len(await left(StripeEvent)) == 5


async def test_what_somebody_works_on_is_passed_over_not_waited_for(chores, database, insert, left):
    held, free = message(ago(days=8)), message(ago(days=8))
    await insert(held, free)
    async with database.transaction() as busy:
        await busy.execute(select(OutboxMessage).where(OutboxMessage.id == held.id).with_for_update())
        async with asyncio.timeout(5):
            assert await chores[Kind.SENT_MESSAGES].remove() == 1
    assert await left(OutboxMessage) == {held.id}


@pytest.mark.parametrize(
    ("kind", "index"),
    [
        (Kind.SENT_MESSAGES, "ix_outbox_sent_at"),
        (Kind.STRIPE_EVENTS, "ix_stripe_events_received_at"),
        (Kind.SIGN_IN_TOKENS, "ix_sign_in_tokens_expires_at"),
        (Kind.UNPAID_DRAFTS, "ix_drafts_unpaid"),
        (Kind.UNPAID_ORDERS, "ix_orders_unpaid"),
        (Kind.REPORT_IMAGES, "ix_reports_images_kept"),
        (Kind.MAILS, "ix_emails_ended"),
        (Kind.MAIL_EVENTS, "ix_email_events_received_at"),
    ],
)
async def test_what_is_due_is_found_by_its_index(chores, database, kind, index):
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        literal = {"compile_kwargs": {"literal_binds": True}, "dialect": session.bind.dialect}
        query = chores[kind].due().compile(**literal)
        plan = await session.scalars(text(f"EXPLAIN {query}".replace(":", r"\:")))
        assert index in "\n".join(plan)


async def test_everything_at_once_while_the_tables_are_in_use_does_no_harm(chores, database, insert, left):
    await insert(*(message(ago(days=8)) for _ in range(40)))
    everything = [chore.remove() for chore in chores.values() for _ in range(3)]
    writing = insert(*(message(None) for _ in range(10)))
    await asyncio.gather(*everything, writing)
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(OutboxMessage)) == 10
