from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class MailSettings(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True)

    simulator_port: int
    smtp_port: int
    resend_api_key: SecretStr = SecretStr("")
    resend_webhook_secret: SecretStr = SecretStr("")
    resend_webhook_url: str = ""
    resend_rate_limit: int = Field(default=5, ge=0)

    @property
    def webhook_secrets(self) -> list[str]:
        """The secrets that sign: two, comma-separated, while they are rotated."""
        return [
            part.strip() for part in self.resend_webhook_secret.get_secret_value().split(",") if part.strip()
        ]
