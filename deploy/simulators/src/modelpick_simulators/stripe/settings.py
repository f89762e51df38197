from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from modelpick_simulators.serving import LOOPBACK


class StripeSettings(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True)

    simulator_port: int
    simulator_public_url: str = ""
    stripe_secret_key: SecretStr = Field(min_length=1)
    stripe_webhook_secret: SecretStr
    stripe_webhook_url: str = ""

    @property
    def public_url(self) -> str:
        return self.simulator_public_url.rstrip("/") or f"http://{LOOPBACK}:{self.simulator_port}"

    @property
    def webhook_secrets(self) -> list[str]:
        """The secrets that sign: two, comma-separated, while they are rotated."""
        return [
            part.strip() for part in self.stripe_webhook_secret.get_secret_value().split(",") if part.strip()
        ]
