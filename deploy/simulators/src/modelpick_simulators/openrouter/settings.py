from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class OpenRouterSettings(BaseSettings):
    """`simulator_latency_ms` is a range such as "500-2000", or one number."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    simulator_port: int
    simulator_models: Path
    database_url: str = ""
    openrouter_api_key: SecretStr = SecretStr("")
    simulator_latency_ms: str = Field(default="500-2000", pattern=r"^\d+(-\d+)?$")
    simulator_rate_limit_share: float = Field(default=0.02, ge=0, le=1)
    simulator_journal: Path | None = None

    @property
    def latency_ms(self) -> tuple[int, int]:
        shortest, _, longest = self.simulator_latency_ms.partition("-")
        return int(shortest), int(longest or shortest)
