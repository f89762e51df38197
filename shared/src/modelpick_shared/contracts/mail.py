from enum import StrEnum
from typing import ClassVar

from modelpick_shared.contracts.envelope import Message


class MailTemplate(StrEnum):
    SIGN_IN = "sign_in"


class MailRequested(Message):
    """Send one mail. `idempotency_key` makes it once, however often this arrives."""

    TYPE: ClassVar[str] = "mail.requested"

    template: MailTemplate
    to: str
    idempotency_key: str
    fields: dict[str, str]
