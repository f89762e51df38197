from collections.abc import Callable

from modelpick_local import stores
from modelpick_local.access import Access
from modelpick_local.gateway import gateway_part
from modelpick_local.parts import SERVICES, Plan, module_command, service_part
from modelpick_local.ports import LOOPBACK, free_port
from modelpick_local.settings import LauncherSettings
from modelpick_local.simulators import needed_simulators
from modelpick_shared.db.grants import Role

_MIGRATION = "modelpick_shared.db.migrate"
_PROVISION = "modelpick_shared.broker.provision"


def make_plan(settings: LauncherSettings, run_id: str, say: Callable[[str], None]) -> Plan:
    """Return every part of the product for these settings, each with the port and secrets it needs."""
    database = stores.database(settings, run_id, say)
    broker = stores.broker(settings, run_id, say)
    access = Access(settings, database.url, broker.url, broker_is_own=broker.part is not None)
    simulators = needed_simulators(settings, access.database_as(Role.SIMULATOR))
    variables = _addresses(settings, database.url, broker.url)
    for simulator in simulators:
        variables |= simulator.variables
    environment = {**settings.values, **variables}
    ports = {service.name: free_port() for service in SERVICES}
    internal_port = free_port()
    variables |= access.variables()
    variables |= {"GATEWAY_METRICS_URL": f"http://{LOOPBACK}:{internal_port}/metrics"}
    if broker.metrics_url:
        variables |= {"RABBITMQ_METRICS_URL": broker.metrics_url}
    services = [
        service_part(
            service, ports[service.name], access.of(service.name, environment), settings.stop_timeout_s
        )
        for service in SERVICES
    ]
    native = [store.part for store in (database, broker) if store.part is not None]
    return Plan(
        site_url=settings.site_url,
        parts=(
            *native,
            *(simulator.part for simulator in simulators),
            *services,
            gateway_part(settings, ports, internal_port),
        ),
        preparations={
            "migrate": module_command(_MIGRATION, {**environment, **access.role_passwords()}),
            "provision": module_command(_PROVISION, environment),
        },
        variables=variables,
    )


def _addresses(settings: LauncherSettings, database_url: str, broker_url: str) -> dict[str, str]:
    images = f"file://{settings.home.root / 'images'}"
    if not settings.given("IMAGE_STORE_URL"):
        settings.home.folder("images")
    return {
        "MODELPICK_HOME": str(settings.home.root),
        "SITE_URL": settings.site_url,
        "DATABASE_URL": database_url,
        "RABBITMQ_URL": broker_url,
        "IMAGE_STORE_URL": settings.given("IMAGE_STORE_URL") or images,
    }
