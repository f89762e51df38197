"""How long each thing is kept.

What is not named here stays: accounts, paid orders, refunds and disputes, reports with their plan, attempts,
runs and exports. Those are what customers bought and what was billed, and only grow with sales.
"""

from datetime import timedelta

from sqlalchemy import and_, func, or_, select

from modelpick_shared.broker import BrokerConnector
from modelpick_shared.catalog import Catalog
from modelpick_shared.db.customers import RequestCount, SignInToken, UserSession
from modelpick_shared.db.engine import Database
from modelpick_shared.db.messaging import Email, EmailEvent, OutboxMessage
from modelpick_shared.db.payments import Dispute, Order, Reconciliation, Refund, StripeEvent
from modelpick_shared.db.reports import Report
from modelpick_shared.housekeeping.chores import Chore, Kind, RowChore
from modelpick_shared.housekeeping.dead_letters import DeadLetters
from modelpick_shared.housekeeping.images import ReportImages, UnpaidDrafts
from modelpick_shared.settings import HousekeepingSettings


def all_chores(
    database: Database, connector: BrokerConnector, catalog: Catalog, settings: HousekeepingSettings
) -> list[Chore]:
    """Return everything that is done, in the order in which it is done."""
    return [
        *_outlived(database),
        *_messages(database, settings),
        *_payments(database, settings),
        UnpaidDrafts(database, timedelta(days=settings.unpaid_draft_retention_days)),
        ReportImages(database, timedelta(days=settings.image_retention_days)),
        DeadLetters(database, connector, catalog, timedelta(days=settings.dead_letter_retention_days)),
    ]


def _outlived(database: Database) -> list[Chore]:
    """Return what goes of sign-in and limits: whatever opens or limits nothing any more."""
    closed = or_(UserSession.expires_at < func.now(), UserSession.revoked_at.is_not(None))
    return [
        RowChore(database, Kind.SIGN_IN_TOKENS, SignInToken, SignInToken.expires_at < func.now()),
        RowChore(database, Kind.SESSIONS, UserSession, closed),
        RowChore(database, Kind.RATE_LIMITS, RequestCount, RequestCount.expires_at < func.now()),
    ]


def _messages(database: Database, settings: HousekeepingSettings) -> list[Chore]:
    sent = timedelta(days=settings.outbox_retention_days)
    mails = timedelta(days=settings.mail_retention_days)
    events = timedelta(days=settings.mail_event_retention_days)
    # One that is pending or of unknown result waits for the notifier or an operator, however old it is.
    ended = and_(Email.state.in_(("sent", "failed")), Email.created_at < func.now() - mails)
    heard = EmailEvent.received_at < func.now() - events
    return [
        RowChore(
            database, Kind.SENT_MESSAGES, OutboxMessage, OutboxMessage.sent_at < func.now() - sent, age=sent
        ),
        RowChore(database, Kind.MAIL_EVENTS, EmailEvent, heard, age=events),
        RowChore(database, Kind.MAILS, Email, ended, age=mails),
    ]


def _payments(database: Database, settings: HousekeepingSettings) -> list[Chore]:
    events = timedelta(days=settings.stripe_event_retention_days)
    compared = timedelta(days=settings.reconciliation_retention_days)
    orders = timedelta(days=settings.unpaid_draft_retention_days)
    received = StripeEvent.received_at < func.now() - events
    finished = Reconciliation.finished_at < func.now() - compared
    return [
        RowChore(database, Kind.STRIPE_EVENTS, StripeEvent, received, age=events),
        RowChore(database, Kind.RECONCILIATIONS, Reconciliation, finished, age=compared),
        _unpaid_orders(database, orders),
    ]


def _unpaid_orders(database: Database, age: timedelta) -> Chore:
    """Orders that were given up and of which Stripe has said the last word, unless money tells of them."""
    over = and_(Order.status.in_(("expired", "cancelled")), Order.settled_at < func.now() - age)
    told_of = [
        select(table.order_id).where(table.order_id == Order.id).exists()
        for table in (Report, Refund, Dispute)
    ]
    condition = and_(over, *(~one for one in told_of))
    return RowChore(database, Kind.UNPAID_ORDERS, Order, condition, age=age)
