"""All tables, so that migrations and checks see every one of them."""

from modelpick_shared.db.customers import (
    Draft,
    DraftImage,
    ImageDeletion,
    RequestCount,
    SignInToken,
    User,
    UserSession,
)
from modelpick_shared.db.messaging import Email, EmailEvent, OutboxMessage
from modelpick_shared.db.payments import Dispute, Order, Reconciliation, Refund, StripeEvent
from modelpick_shared.db.reports import (
    Attempt,
    BenchmarkJob,
    BenchmarkRun,
    PlatformPause,
    Report,
    ReportExport,
    ReportModel,
)
from modelpick_shared.db.upkeep import HousekeepingRecord

__all__ = [
    "Attempt",
    "BenchmarkJob",
    "BenchmarkRun",
    "Dispute",
    "Draft",
    "DraftImage",
    "Email",
    "EmailEvent",
    "HousekeepingRecord",
    "ImageDeletion",
    "Order",
    "OutboxMessage",
    "PlatformPause",
    "Reconciliation",
    "Refund",
    "Report",
    "ReportExport",
    "ReportModel",
    "RequestCount",
    "SignInToken",
    "StripeEvent",
    "User",
    "UserSession",
]
