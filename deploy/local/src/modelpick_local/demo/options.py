import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from modelpick_local.errors import SettingError

_MODELS, _IMAGES = 6, 4
_ALL_MODELS, _ALL_IMAGES = 24, 10
_SWITCHES = {"": False, "0": False, "false": False, "1": True, "true": True}


@dataclass(frozen=True)
class Options:
    """How large the demo is, and whether the system goes on running after it."""

    models: int
    images: int
    keeps_running: bool
    email: str


def read_options(environment: Mapping[str, str] = os.environ) -> Options:
    """Read FULL and KEEP. Raises SettingError."""
    is_full = _switch("FULL", environment)
    return Options(
        models=_ALL_MODELS if is_full else _MODELS,
        images=_ALL_IMAGES if is_full else _IMAGES,
        keeps_running=_switch("KEEP", environment),
        # Somebody new every time: sign-in mails to one address are limited.
        email=f"customer-{uuid.uuid4().hex[:8]}@example.com",
    )


def _switch(name: str, environment: Mapping[str, str]) -> bool:
    value = environment.get(name, "").strip().lower()
    if value not in _SWITCHES:
        raise SettingError(f"{name}: must be 1 or 0")
    return _SWITCHES[value]
