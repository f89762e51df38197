"""What each part gets to log in with: its own role and user, and nobody else's secrets.

The owner's addresses stay with what prepares database and broker, and with operators' commands.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from modelpick_local.errors import SettingError
from modelpick_local.home import Home
from modelpick_local.settings import LauncherSettings
from modelpick_shared.broker import Service
from modelpick_shared.broker.permissions import USERS, user_name, user_url
from modelpick_shared.db.grants import Role
from modelpick_shared.db.roles import role_url

_USER_PREFIX = "modelpick"
OWNERS = ("DATABASE_URL", "RABBITMQ_URL")
_SECRETS = ("DATABASE_PASSWORD_", "RABBITMQ_PASSWORD_", "DATABASE_URL_", "RABBITMQ_URL_")
# The vendors' keys, and which service has them; docker-compose.yml hands out the same.
VENDOR_SECRETS: Mapping[str, frozenset[Service]] = {
    "STRIPE_SECRET_KEY": frozenset({Service.CHECKOUT, Service.WEBHOOK}),
    "STRIPE_WEBHOOK_SECRET": frozenset({Service.WEBHOOK}),
    "OPENROUTER_API_KEY": frozenset({Service.MODEL_WORKER}),
    "RESEND_API_KEY": frozenset({Service.NOTIFIER}),
    "RESEND_WEBHOOK_SECRET": frozenset({Service.NOTIFIER}),
    "SMTP_URL": frozenset({Service.NOTIFIER}),
    "OTEL_EXPORTER_OTLP_HEADERS": frozenset(USERS),
}


@dataclass(frozen=True)
class Access:
    """The addresses of database and broker: the owner's, and those of roles and users."""

    settings: LauncherSettings
    database_url: str
    broker_url: str
    broker_is_own: bool

    def __post_init__(self) -> None:
        if self.settings.given("DATABASE_ROLES") not in {"", "own", "owner"}:
            raise SettingError("DATABASE_ROLES: must be own or owner")

    def role_passwords(self) -> dict[str, str]:
        """Return the passwords of the roles that are to be made, as migrations take them."""
        if self.settings.given("DATABASE_ROLES") == "owner":
            return {}
        return {_variable("DATABASE_PASSWORD", role.value): self._role_password(role) for role in Role}

    def database_as(self, role: Role) -> str:
        """Return the database's address for a role; the owner's where there are to be no roles."""
        if self.settings.given("DATABASE_ROLES") == "owner":
            return self.database_url
        return role_url(self.database_url, role, self._role_password(role))

    def broker_as(self, service: Service) -> str:
        """Return the broker's address for a service.

        On a broker of somebody else's it is the given one, unless the service's own password is set.
        """
        password = broker_passwords(self.settings)[service] if self.broker_is_own else ""
        password = password or self.settings.given(_variable("RABBITMQ_PASSWORD", service.value))
        return (
            user_url(self.broker_url, user_name(_USER_PREFIX, service), password)
            if password
            else self.broker_url
        )

    def of(self, name: str, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a service, with its own addresses and vendors' keys alone."""
        service = Service(name)
        own = {"RABBITMQ_URL": self.broker_as(service)}
        if name in set(Role):
            own["DATABASE_URL"] = self.database_as(Role(name))
        foreign = {key for key, holders in VENDOR_SECRETS.items() if service not in holders}
        return {**_without(without_owners(environment), foreign), **own}

    def variables(self) -> dict[str, str]:
        """Return the services' own addresses: DATABASE_URL_CHECKOUT, RABBITMQ_URL_MODEL_WORKER and so on."""
        databases = {_variable("DATABASE_URL", role.value): self.database_as(role) for role in Role}
        brokers = {_variable("RABBITMQ_URL", service.value): self.broker_as(service) for service in USERS}
        return {**databases, **brokers}

    def _role_password(self, role: Role) -> str:
        given = self.settings.given(_variable("DATABASE_PASSWORD", role.value))
        return given or self.settings.home.secret(f"postgres-{role.value}-password")


def broker_passwords(settings: LauncherSettings) -> dict[Service, str]:
    """Return the passwords of the services' users on our own broker."""
    return {
        service: settings.given(_variable("RABBITMQ_PASSWORD", service.value))
        or broker_password(settings.home, service)
        for service in USERS
    }


def broker_password(home: Home, service: Service) -> str:
    return home.secret(f"rabbitmq-{service.value}-password")


def without_owners(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the owner's addresses and the passwords of roles and users."""
    return {
        name: value
        for name, value in environment.items()
        if name not in OWNERS and not name.startswith(_SECRETS)
    }


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for a part that logs in nowhere."""
    return _without(without_owners(environment), VENDOR_SECRETS)


def _without(environment: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in names}


def _variable(start: str, name: str) -> str:
    return f"{start}_{name.upper().replace('-', '_')}"
