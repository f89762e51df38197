"""What services say to each other: the envelope and every message type, declared once."""

from modelpick_shared.contracts.envelope import Envelope, Message
from modelpick_shared.contracts.jobs import (
    AttemptOutcome,
    DataPolicy,
    ImageRef,
    JobKey,
    Outcome,
    PriceCap,
    RequestParameters,
    RunFinished,
    RunRequested,
    UnmeasuredReason,
)
from modelpick_shared.contracts.mail import MailRequested, MailTemplate
from modelpick_shared.contracts.payments import PaymentSeen
from modelpick_shared.contracts.reports import (
    ModelProgress,
    ReportCancelRequested,
    ReportCompleted,
    ReportFailed,
    ReportPaid,
    ReportProgressed,
    ReportResumeRequested,
    ReportStatus,
    RunReplayRequested,
    UnmeasuredRuns,
)
from modelpick_shared.contracts.workers import WorkerAlive, WorkerClock

MESSAGES: tuple[type[Message], ...] = (
    PaymentSeen,
    ReportPaid,
    RunRequested,
    RunFinished,
    RunReplayRequested,
    ReportResumeRequested,
    ReportCancelRequested,
    ReportProgressed,
    ReportCompleted,
    ReportFailed,
    MailRequested,
    WorkerAlive,
    WorkerClock,
)

__all__ = [
    "MESSAGES",
    "AttemptOutcome",
    "DataPolicy",
    "Envelope",
    "ImageRef",
    "JobKey",
    "MailRequested",
    "MailTemplate",
    "Message",
    "ModelProgress",
    "Outcome",
    "PaymentSeen",
    "PriceCap",
    "ReportCancelRequested",
    "ReportCompleted",
    "ReportFailed",
    "ReportPaid",
    "ReportProgressed",
    "ReportResumeRequested",
    "ReportStatus",
    "RequestParameters",
    "RunFinished",
    "RunReplayRequested",
    "RunRequested",
    "UnmeasuredReason",
    "UnmeasuredRuns",
    "WorkerAlive",
    "WorkerClock",
]
