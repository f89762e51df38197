from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from modelpick_shared.contracts.envelope import Message


class MailTemplate(StrEnum):
    """A mail that a service may ask for, and the fields that it takes; `?` marks those that may be left out.

    `sign_in`: `link`. `refunded`: `amount_usd` ("14.99"), `reason`? (a sentence for the customer).
    """

    SIGN_IN = "sign_in"
    REFUNDED = "refunded"


class MailRequested(Message):
    """Send one mail. `idempotency_key` makes it once, however often this arrives.

    `report_id` is the report that the mail is about, where there is one.
    """

    TYPE: ClassVar[str] = "mail.requested"

    template: MailTemplate
    to: str
    idempotency_key: str
    fields: dict[str, str]
    report_id: UUID | None = None

    def correlation_id(self) -> UUID | None:
        return self.report_id
