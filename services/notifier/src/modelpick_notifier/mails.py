"""From an event to a mail: the same text whenever it is rendered, as it may be sent again."""

import hashlib
import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from importlib import resources
from typing import Any
from uuid import UUID

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError, select_autoescape

from modelpick_notifier.errors import InvalidMailError
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
REPORT_READY = "report_ready"
REPORT_PARTIAL = "report_partial"
REPORT_FAILED = "report_failed"

# Nothing of a customer's stands in a subject.
SUBJECTS = {
    SIGN_IN: "Sign in to ModelPick",
    REPORT_READY: "Your ModelPick report is ready",
    REPORT_PARTIAL: "Your ModelPick report is ready",
    REPORT_FAILED: "Your ModelPick report could not be made",
}
# Templates whose text opens something to whoever reads it; it is erased once it is sent.
HOLD_A_SECRET = frozenset({SIGN_IN})

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]+@[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]+")
_LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail to store, by the names of its columns."""

    key: str
    template: str
    recipient: str
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
        self._domain = sender.domain
        self._templates = _environment()

    def requested(self, message: MailRequested) -> RenderedMail:
        """Return the mail that a service asked for. Raises InvalidMailError."""
        return self._render(message.template.value, message.to, message.fields, key=message.idempotency_key)

    def report_ready(self, message: ReportCompleted) -> RenderedMail:
        """Return the mail with the link to a report. Raises InvalidMailError."""
        partial = message.status is ReportStatus.PARTIAL
        fields = {
            "link": self._report_link(message.share_token),
            "best_model": self._name(message.best_model),
            "pass_rate": _percent(message.best_model_pass_rate),
        }
        return self._render(
            REPORT_PARTIAL if partial else REPORT_READY,
            message.email,
            fields,
            key=ids.report_ready_mail(message.report_id),
            report_id=message.report_id,
        )

    def report_failed(self, message: ReportFailed) -> RenderedMail:
        """Return the mail that says that there is no report. Raises InvalidMailError."""
        fields = {"link": f"{self._site_url}/reports", "reason": message.reason}
        return self._render(
            REPORT_FAILED,
            message.email,
            fields,
            key=ids.report_failed_mail(message.report_id),
            report_id=message.report_id,
        )

    def _render(
        self, template: str, to: str, fields: dict[str, Any], *, key: str, report_id: UUID | None = None
    ) -> RenderedMail:
        try:
            text = self._templates.get_template(f"{template}.txt").render(fields)
            html = self._templates.get_template(f"{template}.html").render(fields)
        except TemplateError as error:
            raise InvalidMailError(f"{template}: {error}") from error
        return RenderedMail(
            key=key,
            template=template,
            recipient=checked_address(to),
            subject=SUBJECTS[template],
            text_body=text,
            html_body=html,
            message_id=message_id(key, self._domain),
            erase_body=template in HOLD_A_SECRET,
            report_id=report_id,
        )

    def _report_link(self, share_token: str | None) -> str:
        """Return the report's page; its owner's list where the report is not shared."""
        return f"{self._site_url}/report/{share_token}" if share_token else f"{self._site_url}/reports"

    def _name(self, model_id: str | None) -> str | None:
        if model_id is None or model_id not in self._catalog:
            return model_id
        return self._catalog[model_id].name


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


def _percent(rate: float | None) -> str | None:
    return None if rate is None else f"{100 * rate:.1f} %"


def _environment() -> Environment:
    folder = resources.files("modelpick_notifier") / "templates"
    sources = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    return Environment(
        loader=DictLoader(sources),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
