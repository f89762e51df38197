"""Stand-ins for the vendors nobody gave us a key or an address of, and what leads the services to them."""

import importlib.resources
from dataclasses import dataclass

from modelpick_local.access import without_owners
from modelpick_local.parts import Part, Stage, module_command
from modelpick_local.ports import LOOPBACK, free_port
from modelpick_local.settings import LauncherSettings
from modelpick_local.state import PartKind

_STRIPE_KEY = "sk_test_simulated"
_OPENROUTER_KEY = "sk-or-simulated"


@dataclass(frozen=True)
class Simulator:
    """The part to run, and the variables that lead the services to it."""

    part: Part
    variables: dict[str, str]


def needed_simulators(settings: LauncherSettings, database_url: str) -> list[Simulator]:
    """Return a simulator for each vendor with neither key nor address."""
    needed: list[Simulator] = []
    if not (settings.given("STRIPE_SECRET_KEY") or settings.given("STRIPE_API_BASE")):
        needed.append(_stripe(settings))
    openrouter_is_set = settings.given("OPENROUTER_API_KEY") or settings.given("OPENROUTER_BASE_URL")
    if settings.is_on("DEBUG_MOCK_OPENROUTER") or not openrouter_is_set:
        needed.append(_openrouter(settings, database_url))
    if not (settings.given("RESEND_API_KEY") or settings.given("SMTP_URL")):
        needed.append(_mail(settings))
    return needed


def _stripe(settings: LauncherSettings) -> Simulator:
    port = free_port()
    variables = {
        "STRIPE_SECRET_KEY": _STRIPE_KEY,
        "STRIPE_WEBHOOK_SECRET": settings.home.secret("stripe-webhook-secret", prefix="whsec_"),
    }
    own = {
        "SIMULATOR_PUBLIC_URL": _address(port),
        "STRIPE_WEBHOOK_URL": f"http://{LOOPBACK}:{settings.port}/api/webhooks/stripe",
    }
    part = _part("stripe", port, settings, variables | own)
    return Simulator(part, {**variables, "STRIPE_API_BASE": _address(port)})


def _openrouter(settings: LauncherSettings, database_url: str) -> Simulator:
    port = free_port()
    models = importlib.resources.files("modelpick_shared") / "catalog" / "models.json"
    own = {
        "DATABASE_URL": database_url,
        "OPENROUTER_API_KEY": _OPENROUTER_KEY,
        "SIMULATOR_MODELS": str(models),
    }
    variables = {"OPENROUTER_API_KEY": _OPENROUTER_KEY, "OPENROUTER_BASE_URL": f"{_address(port)}/api/v1"}
    return Simulator(_part("openrouter", port, settings, own), variables)


def _mail(settings: LauncherSettings) -> Simulator:
    port, smtp_port = free_port(), free_port()
    part = _part("mail", port, settings, {"SMTP_PORT": str(smtp_port)}, note=f"SMTP {LOOPBACK}:{smtp_port}")
    return Simulator(part, {"SMTP_URL": f"smtp://{LOOPBACK}:{smtp_port}"})


def _part(vendor: str, port: int, settings: LauncherSettings, own: dict[str, str], note: str = "") -> Part:
    environment = {**without_owners(settings.values), **own, "SIMULATOR_PORT": str(port)}
    command = module_command(f"modelpick_simulators.{vendor}.main", environment)
    return Part(
        name=f"{vendor}-simulator",
        kind=PartKind.SIMULATOR,
        stage=Stage.SIMULATORS,
        port=port,
        health_url=f"{_address(port)}/healthz",
        prepare=lambda: command,
        address=_address(port),
        note=note,
    )


def _address(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"
