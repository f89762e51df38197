"""Every setting of the system, in groups that services combine.

The environment beats `.env`, and both beat files in `SECRETS_DIR`.
"""

import re
import sys
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, NamedTuple, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from modelpick_shared.secret_files import SecretFiles

_WINDOW_S = {"s": 1, "min": 60, "h": 3600, "d": 86400}


Network = IPv4Network | IPv6Network


class RateLimit(NamedTuple):
    """At most `events` in `window_s` seconds; 0 events turns the limit off."""

    events: int
    window_s: int


def _parse_rate_limit(value: object) -> object:
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+)(?:/(s|min|h|d))?", value.strip())
        if not match or (match[1] != "0" and not match[2]):
            raise ValueError("write it like 5/h, or 0 to turn it off")
        return RateLimit(int(match[1]), _WINDOW_S[match[2] or "h"])
    return value


def _parse_networks(value: object) -> object:
    if isinstance(value, str):
        try:
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("write it like 10.0.0.0/8,::1") from None
    return value


def _without_slash(value: str) -> str:
    return value.rstrip("/")


def _http_address(value: str) -> str:
    if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc:
        raise ValueError("must be an http:// or https:// address")
    return _without_slash(value)


HttpAddress = Annotated[str, AfterValidator(_http_address)]
# NoDecode: a NamedTuple looks like a structure to pydantic-settings, which would read it as JSON.
RateLimitSetting = Annotated[RateLimit, NoDecode, BeforeValidator(_parse_rate_limit)]
NetworksSetting = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_parse_networks)]
PositiveInt = Annotated[int, Field(ge=1)]


def _scheme(value: str, *allowed: str) -> str:
    if urlsplit(value).scheme not in allowed:
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in allowed)}")
    return value


class SettingsGroup(BaseSettings):
    """Base of every group, so that a class that combines groups reads `.env` whatever their order."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, frozen=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - replaced by ours
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, SecretFiles(settings_cls)


class TelemetrySettings(SettingsGroup):
    """Where spans go, by the names of the OpenTelemetry specification; nowhere without an endpoint.

    The ratio is how many of the traces that begin here are sampled. Headers are `name=value,name=value`.
    """

    otel_exporter_otlp_endpoint: HttpAddress | None = None
    otel_exporter_otlp_headers: SecretStr | None = None
    otel_traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = 1.0
    otel_sdk_disabled: bool = False


class ServiceSettings(TelemetrySettings):
    """What every service has. `service_port` 0 picks a free one; `fault_dir` is for tests alone."""

    service_host: str = "127.0.0.1"
    service_port: int = Field(default=8000, ge=0, le=65535)
    site_url: HttpAddress = "http://localhost:8080"
    log_level: str = "INFO"
    fault_dir: str | None = None

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()


class DatabaseSettings(SettingsGroup):
    database_url: SecretStr

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: SecretStr) -> SecretStr:
        _scheme(value.get_secret_value(), "postgresql", "postgres")
        return value


class DatabaseRoleSettings(DatabaseSettings):
    """What migrations need beside the owner's address: the passwords of the services' own roles.

    A role without one is not made; one that is there gets its grants all the same.
    """

    database_password_checkout: SecretStr | None = None
    database_password_webhook: SecretStr | None = None
    database_password_orchestrator: SecretStr | None = None
    database_password_notifier: SecretStr | None = None
    database_password_reports: SecretStr | None = None
    database_password_simulator: SecretStr | None = None

    def role_passwords(self) -> dict[str, SecretStr]:
        """Return the passwords that are given, by role."""
        start = "database_password_"
        given = {name: getattr(self, name) for name in type(self).model_fields if name.startswith(start)}
        return {name.removeprefix(start): password for name, password in given.items() if password}


class BrokerSettings(SettingsGroup):
    rabbitmq_url: SecretStr

    @field_validator("rabbitmq_url")
    @classmethod
    def _amqp(cls, value: SecretStr) -> SecretStr:
        for url in value.get_secret_value().split(","):
            _scheme(url.strip(), "amqp", "amqps")
        return value


class BrokerUserSettings(SettingsGroup):
    """The owner's address of the broker, where there is one, and the passwords of the services' own users."""

    rabbitmq_url: SecretStr | None = None
    rabbitmq_password_checkout: SecretStr | None = None
    rabbitmq_password_webhook: SecretStr | None = None
    rabbitmq_password_orchestrator: SecretStr | None = None
    rabbitmq_password_model_worker: SecretStr | None = None
    rabbitmq_password_notifier: SecretStr | None = None
    rabbitmq_password_reports: SecretStr | None = None

    def user_passwords(self) -> dict[str, SecretStr]:
        """Return the passwords that are given, by service."""
        start = "rabbitmq_password_"
        given = {name: getattr(self, name) for name in type(self).model_fields if name.startswith(start)}
        services = {name.removeprefix(start).replace("_", "-"): value for name, value in given.items()}
        return {service: password for service, password in services.items() if password}


class ImageStoreSettings(SettingsGroup):
    image_store_url: str
    image_delivery: Annotated[str, Field(pattern="^(auto|url|inline)$")] = "auto"

    @field_validator("image_store_url")
    @classmethod
    def _known_store(cls, value: str) -> str:
        return _scheme(value, "file", "s3", "gs", "az")


class StripeSettings(SettingsGroup):
    stripe_secret_key: SecretStr | None = None
    stripe_api_base: HttpAddress | None = None
    debug_mock_stripe: bool = False
    price_cents: PositiveInt = 1499


class StripeWebhookSettings(StripeSettings):
    stripe_webhook_secret: SecretStr | None = None

    @property
    def webhook_secrets(self) -> list[str]:
        """Return the signing secrets: two while one is being replaced."""
        text = self.stripe_webhook_secret.get_secret_value() if self.stripe_webhook_secret else ""
        return [secret.strip() for secret in text.split(",") if secret.strip()]


class OpenRouterSettings(SettingsGroup):
    openrouter_api_key: SecretStr | None = None
    openrouter_base_url: HttpAddress = "https://openrouter.ai/api/v1"
    debug_mock_openrouter: bool = False
    max_retries: Annotated[int, Field(ge=0)] = 5
    backoff_base_ms: PositiveInt = 1000
    backoff_max_ms: PositiveInt = 60000

    @model_validator(mode="after")
    def _mock_never_spends(self) -> Self:
        if self.debug_mock_openrouter and "openrouter.ai" in self.openrouter_base_url:
            raise ValueError("DEBUG_MOCK_OPENROUTER needs OPENROUTER_BASE_URL to be a simulator's address")
        return self


class MailSettings(SettingsGroup):
    resend_api_key: SecretStr | None = None
    resend_api_base: HttpAddress = "https://api.resend.com"
    smtp_url: SecretStr | None = None
    mail_from: str = "ModelPick <noreply@modelpick.ai>"

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _scheme(value.get_secret_value(), "smtp", "smtps")
        return value


class BenchmarkSettings(SettingsGroup):
    """How a report runs. Ceilings are USD, `_s` are seconds."""

    per_model_concurrency: PositiveInt = 3
    global_concurrency: Annotated[int, Field(ge=0)] = 0
    max_running_reports: PositiveInt = 8
    runs_per_image: Annotated[int, Field(ge=1, le=10)] = 3
    cost_ceiling_usd: Annotated[Decimal, Field(gt=0)] = Decimal("7.00")
    cost_soft_ceiling_usd: Annotated[Decimal, Field(gt=0)] = Decimal("6.50")
    max_benchmark_duration_s: PositiveInt = 750
    lease_s: PositiveInt = 300
    platform_pause_max_s: PositiveInt = 86400
    default_input_tokens: PositiveInt = 1500
    default_output_tokens: PositiveInt = 500
    max_output_tokens: PositiveInt = 4096


class RateLimitSettings(SettingsGroup):
    """Limits, and whose `X-Forwarded-For` is believed: the gateway's addresses, loopback by default."""

    rate_limit_sign_in_per_address: RateLimitSetting = RateLimit(5, 3600)
    rate_limit_sign_in_per_ip: RateLimitSetting = RateLimit(20, 3600)
    rate_limit_uploads: RateLimitSetting = RateLimit(120, 3600)
    rate_limit_checkouts: RateLimitSetting = RateLimit(20, 3600)
    trusted_proxies: NetworksSetting = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


class IdentityProviderSettings(SettingsGroup):
    """Whose bearer tokens sign a customer in; nobody's unless all three are set.

    `auth_emails_verified` takes addresses of tokens that do not say whether they are verified, for providers
    that give no token before that.
    """

    auth_jwks_url: str | None = None
    auth_issuer: str | None = None
    auth_audience: str | None = None
    auth_emails_verified: bool = False

    @field_validator("auth_jwks_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None:
            _http_address(value)
        return value

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        given = [self.auth_jwks_url, self.auth_issuer, self.auth_audience]
        if any(given) and not all(given):
            raise ValueError("set AUTH_JWKS_URL, AUTH_ISSUER and AUTH_AUDIENCE together, or none of them")
        return self


class HousekeepingSettings(SettingsGroup):
    """How long what is not needed any more is kept, in days, and how often it is looked for."""

    housekeeping_interval_s: PositiveInt = 600
    outbox_retention_days: PositiveInt = 7
    stripe_event_retention_days: PositiveInt = 90
    unpaid_draft_retention_days: PositiveInt = 180
    dead_letter_retention_days: PositiveInt = 30
    image_retention_days: PositiveInt = 90
    mail_retention_days: PositiveInt = 180
    mail_event_retention_days: PositiveInt = 90
    reconciliation_retention_days: PositiveInt = 30


S = TypeVar("S", bound=BaseSettings)


def load_settings(settings_class: type[S], service: str, **overrides: Any) -> S:
    """Read the settings of a service, or end the process with status 2 and one line naming what is wrong."""
    try:
        return settings_class(**overrides)
    except ValidationError as error:
        sys.stderr.write(f"{service}: {describe(error)}\n")
        raise SystemExit(2) from None
    except OSError as error:
        sys.stderr.write(f"{service}: {error.filename}: {error.strerror}\n")
        raise SystemExit(2) from None


def describe(error: ValidationError) -> str:
    """Return one line: each setting by its name in the environment and what is wrong with it, no values."""
    problems = []
    for item in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in item["loc"]).upper()
        message = "is required" if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
        problems.append(f"{name}: {message}" if name else message)
    return "; ".join(problems)
