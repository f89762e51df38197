"""From an event to a mail: the same text whenever it is rendered, as it may be sent again."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.errors import MessageError
from email.headerregistry import Address
from typing import Any, NamedTuple
from uuid import UUID

from modelpick_notifier.errors import InvalidMailError
from modelpick_notifier.rendering import Templates
from modelpick_notifier.wording import counted, interval, missing_runs, percent, usd
from modelpick_shared import ids
from modelpick_shared.catalog import Catalog
from modelpick_shared.contracts import (
    MailRequested,
    MailTemplate,
    ReportCompleted,
    ReportFailed,
    ReportStatus,
)

SIGN_IN = MailTemplate.SIGN_IN.value
REFUNDED = MailTemplate.REFUNDED.value
PAYMENT_RECEIVED = "payment_received"
REPORT_READY = "report_ready"
REPORT_PARTIAL = "report_partial"
REPORT_FAILED = "report_failed"

# Nothing of a customer's stands in a subject.
SUBJECTS = {
    SIGN_IN: "Sign in to ModelPick",
    PAYMENT_RECEIVED: "Thank you for your order",
    REPORT_READY: "Your ModelPick report is ready",
    REPORT_PARTIAL: "Your ModelPick report is ready, with gaps",
    REPORT_FAILED: "Your ModelPick report could not be made",
    REFUNDED: "Your ModelPick payment is refunded",
}
# Templates whose text opens something to whoever reads it; it is erased once it is sent.
HOLD_A_SECRET = frozenset({SIGN_IN})

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]+@[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]+")
_LONGEST_ADDRESS = 254
_CENTS = Decimal("0.01")


class Payment(NamedTuple):
    """What was paid for, and by whom."""

    report_id: UUID
    email: str
    amount_cents: int
    models: int
    images: int
    total_runs: int


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail to store, by the names of its columns."""

    key: str
    template: str
    recipient: str
    sender: str
    subject: str
    text_body: str
    html_body: str
    message_id: str
    erase_body: bool
    report_id: UUID | None = None


class MailRoom:
    """Renders every mail that the system sends."""

    def __init__(self, catalog: Catalog, *, site_url: str, sender: Address) -> None:
        self._catalog = catalog
        self._site_url = site_url
        self._sender = sender
        self._templates = Templates()

    def requested(self, message: MailRequested) -> RenderedMail:
        """Return the mail that a service asked for. Raises InvalidMailError."""
        fields: dict[str, Any] = dict(message.fields)
        if message.template is MailTemplate.REFUNDED:
            fields |= {
                "amount": usd(message.fields.get("amount_usd", "")),
                "reason": message.fields.get("reason", ""),
                "link": self._link("reports"),
            }
        return self._render(
            message.template.value,
            message.to,
            fields,
            key=message.idempotency_key,
            report_id=message.report_id,
        )

    def payment_received(self, payment: Payment) -> RenderedMail:
        """Return the mail that confirms an order. Raises InvalidMailError."""
        fields = {
            "amount": usd(payment.amount_cents * _CENTS),
            "models": counted(payment.models, "model"),
            "images": counted(payment.images, "image"),
            "runs": counted(payment.total_runs, "run"),
            "link": self._link("benchmark", str(payment.report_id), "processing"),
        }
        return self._render(
            PAYMENT_RECEIVED,
            payment.email,
            fields,
            key=ids.payment_received_mail(payment.report_id),
            report_id=payment.report_id,
        )

    def report_ready(self, message: ReportCompleted) -> RenderedMail:
        """Return the mail with the link to a report. Raises InvalidMailError."""
        partial = message.status is ReportStatus.PARTIAL
        return self._render(
            REPORT_PARTIAL if partial else REPORT_READY,
            message.email,
            self._result(message) | self._gaps(message),
            key=ids.report_ready_mail(message.report_id),
            report_id=message.report_id,
        )

    def report_failed(self, message: ReportFailed) -> RenderedMail:
        """Return the mail that says that there is no report. Raises InvalidMailError."""
        return self._render(
            REPORT_FAILED,
            message.email,
            {"link": self._link("reports"), "reason": message.reason},
            key=ids.report_failed_mail(message.report_id),
            report_id=message.report_id,
        )

    def _result(self, message: ReportCompleted) -> dict[str, Any]:
        rate, bounds = message.best_model_pass_rate, message.best_model_ci95
        # A report that is not shared is on its owner's list.
        shared = message.share_token
        return {
            "link": self._link("report", shared) if shared else self._link("reports"),
            "shared": shared is not None,
            "best_model": None if message.best_model is None else self._name(message.best_model),
            "pass_rate": None if rate is None else percent(rate),
            "interval": None if bounds is None else interval(bounds),
        }

    def _gaps(self, message: ReportCompleted) -> dict[str, Any]:
        return {
            "missing_runs": sum(entry.runs for entry in message.unmeasured),
            "total_runs": message.total_runs,
            "missing": missing_runs(message.unmeasured, self._name),
        }

    def _render(
        self, template: str, to: str, fields: Mapping[str, Any], *, key: str, report_id: UUID | None = None
    ) -> RenderedMail:
        text, html = self._templates.render(template, {**fields, "subject": SUBJECTS[template]})
        return RenderedMail(
            key=key,
            template=template,
            recipient=checked_address(to),
            sender=str(self._sender),
            subject=SUBJECTS[template],
            text_body=text,
            html_body=html,
            message_id=message_id(key, self._sender.domain),
            erase_body=template in HOLD_A_SECRET,
            report_id=report_id,
        )

    def _link(self, *path: str) -> str:
        return "/".join((self._site_url, *path))

    def _name(self, model_id: str) -> str:
        return self._catalog[model_id].name if model_id in self._catalog else model_id


def checked_address(address: str) -> str:
    """Return an address that can stand in a header and be nothing else there. Raises InvalidMailError."""
    if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        raise InvalidMailError("the recipient is no mail address")
    try:
        Address(addr_spec=address)
    except (ValueError, MessageError) as error:
        raise InvalidMailError("the recipient is no mail address") from error
    return address


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID of the mail of that key: the same at every attempt (RFC 5322, 3.6.4)."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"
