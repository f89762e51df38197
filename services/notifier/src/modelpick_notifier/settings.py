from email.headerregistry import Address
from email.utils import parseaddr
from typing import Self

from pydantic import field_validator, model_validator

from modelpick_shared.settings import BrokerSettings, DatabaseSettings, MailSettings, ServiceSettings


class NotifierSettings(ServiceSettings, DatabaseSettings, BrokerSettings, MailSettings):
    """What the notifier reads from the environment."""

    @field_validator("mail_from")
    @classmethod
    def _one_address(cls, value: str) -> str:
        if not parseaddr(value)[1].count("@") == 1 or not value.isprintable():
            raise ValueError("must be an address like ModelPick <noreply@example.com>")
        return value

    @model_validator(mode="after")
    def _some_transport(self) -> Self:
        if self.smtp_url is None and self.resend_api_key is None:
            raise ValueError("set SMTP_URL or RESEND_API_KEY, or no mail can be sent")
        return self

    @property
    def sender(self) -> Address:
        name, address = parseaddr(self.mail_from)
        return Address(display_name=name, addr_spec=address)
