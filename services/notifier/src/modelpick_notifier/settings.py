from email.headerregistry import Address
from email.utils import parseaddr
from typing import Self

from pydantic import SecretStr, field_validator, model_validator

from modelpick_notifier.signature import signing_key
from modelpick_shared.settings import BrokerSettings, DatabaseSettings, MailSettings, ServiceSettings


class NotifierSettings(ServiceSettings, DatabaseSettings, BrokerSettings, MailSettings):
    """What the notifier reads from the environment.

    `resend_webhook_secret` may be two, comma-separated, while it is being replaced.
    """

    resend_webhook_secret: SecretStr | None = None

    @field_validator("resend_webhook_secret")
    @classmethod
    def _some_key(cls, value: SecretStr | None) -> SecretStr | None:
        _signing_keys(value)
        return value

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
    def webhook_keys(self) -> list[bytes]:
        return _signing_keys(self.resend_webhook_secret)

    @property
    def sender(self) -> Address:
        name, address = parseaddr(self.mail_from)
        return Address(display_name=name, addr_spec=address)


def _signing_keys(secrets: SecretStr | None) -> list[bytes]:
    texts = secrets.get_secret_value().split(",") if secrets else []
    return [signing_key(text.strip()) for text in texts if text.strip()]
