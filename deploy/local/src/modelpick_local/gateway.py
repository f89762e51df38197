import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from modelpick_local.access import without_secrets
from modelpick_local.command import Command
from modelpick_local.errors import LocalError
from modelpick_local.parts import Part, Stage
from modelpick_local.ports import LOOPBACK, free_port, has_ipv6_loopback
from modelpick_local.settings import LauncherSettings
from modelpick_local.state import PartKind

# Services with an HTTP side for customers; each has its variable in the Caddyfile.
UPSTREAMS = {
    "checkout": "CHECKOUT_UPSTREAM",
    "webhook": "WEBHOOK_UPSTREAM",
    "notifier": "NOTIFIER_UPSTREAM",
    "reports": "REPORTS_UPSTREAM",
}
_STOP_TIMEOUT_S = 10.0


def gateway_part(settings: LauncherSettings, service_ports: Mapping[str, int], internal_port: int) -> Part:
    command = Command(
        argv=(find_caddy(), "run", "--config", str(caddyfile(settings.checkout)), "--adapter", "caddyfile"),
        env={**without_secrets(settings.values), **gateway_variables(settings, service_ports, internal_port)},
        folder=settings.checkout,
    )
    return Part(
        name="gateway",
        kind=PartKind.GATEWAY,
        stage=Stage.GATEWAY,
        port=settings.port,
        health_url=f"http://{LOOPBACK}:{internal_port}/healthz",
        prepare=lambda: command,
        address=settings.site_url,
        stop_timeout_s=_STOP_TIMEOUT_S,
    )


def gateway_variables(
    settings: LauncherSettings, service_ports: Mapping[str, int], internal_port: int
) -> dict[str, str]:
    """Return what the Caddyfile reads. `internal_port` has its metrics and health, on loopback alone."""
    caddy_folder = str(settings.home.folder("caddy"))
    upstreams = {
        variable: f"{LOOPBACK}:{service_ports[service]}"
        for service, variable in UPSTREAMS.items()
        if service in service_ports
    }
    return {
        **upstreams,
        "SITE_ADDRESS": settings.given("SITE_ADDRESS") or f"http://:{settings.port}",
        "GATEWAY_HTTP_PORT": str(settings.port),
        "GATEWAY_HTTPS_PORT": settings.given("GATEWAY_HTTPS_PORT") or str(free_port()),
        "GATEWAY_INTERNAL_ADDRESS": f"http://:{internal_port}",
        # Every request in a line is for those who operate it.
        "GATEWAY_LOG_LEVEL": settings.given("GATEWAY_LOG_LEVEL") or "ERROR",
        "GATEWAY_BIND": settings.given("GATEWAY_BIND") or _loopback_addresses(),
        "WEB_ROOT": settings.given("WEB_ROOT") or str(_web_root(settings.checkout)),
        "HOME": caddy_folder,
        "XDG_CONFIG_HOME": caddy_folder,
        "XDG_DATA_HOME": caddy_folder,
    }


def caddyfile(checkout: Path) -> Path:
    return checkout / "deploy" / "gateway" / "Caddyfile"


def find_caddy() -> str:
    """Return the gateway's program: of the wheel beside our interpreter, else from the PATH."""
    found = shutil.which("caddy", path=sysconfig.get_path("scripts")) or shutil.which("caddy")
    if found is None:
        raise LocalError("the gateway's program caddy is missing: run `make setup`")
    return found


def _web_root(checkout: Path) -> Path:
    built = checkout / "web" / "dist"
    if not (built / "index.html").exists():
        raise LocalError("the browser application is not built: run `make web`")
    return built


def _loopback_addresses() -> str:
    return f"{LOOPBACK} [::1]" if has_ipv6_loopback() else LOOPBACK
