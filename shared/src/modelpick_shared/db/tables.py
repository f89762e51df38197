"""All tables, so that migrations and checks see every one of them."""

from modelpick_shared.db.customers import Draft, DraftImage, SignInToken, User, UserSession
from modelpick_shared.db.messaging import Email, OutboxMessage
from modelpick_shared.db.payments import Order, Refund, StripeEvent
from modelpick_shared.db.reports import (
    Attempt,
    BenchmarkJob,
    BenchmarkRun,
    PlatformPause,
    Report,
    ReportExport,
    ReportModel,
)

__all__ = [
    "Attempt",
    "BenchmarkJob",
    "BenchmarkRun",
    "Draft",
    "DraftImage",
    "Email",
    "Order",
    "OutboxMessage",
    "PlatformPause",
    "Refund",
    "Report",
    "ReportExport",
    "ReportModel",
    "SignInToken",
    "StripeEvent",
    "User",
    "UserSession",
]
