"""The launcher's own settings: the environment over `.env` in the checkout."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from modelpick_local.errors import SettingError
from modelpick_local.home import DEFAULT_NAME, Home, find_checkout

_DEFAULT_PORT = 8080
_LAST_PORT = 65_535
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True)
class LauncherSettings:
    """`values` is what the parts get to see before the launcher adds addresses and secrets."""

    home: Home
    checkout: Path
    values: Mapping[str, str]
    port: int
    stop_timeout_s: float | None

    @property
    def site_url(self) -> str:
        return self.given("SITE_URL") or f"http://localhost:{self.port}"

    def given(self, name: str) -> str:
        """Return a value, empty when it is not set: an empty value counts as none."""
        return self.values.get(name, "").strip()

    def is_on(self, name: str) -> bool:
        return self.given(name).lower() in _TRUE


def read_settings() -> LauncherSettings:
    checkout = find_checkout()
    values = _values(checkout)
    stop_timeout = values.get("STOP_TIMEOUT_S", "")
    return LauncherSettings(
        home=Home.at(home_path()),
        checkout=checkout,
        values=values,
        port=_port(values.get("PORT", "")),
        stop_timeout_s=_seconds("STOP_TIMEOUT_S", stop_timeout) if stop_timeout else None,
    )


def home_path() -> Path:
    """Return where the home of this environment lies: MODELPICK_HOME, else `.modelpick/` in the checkout."""
    checkout = find_checkout()
    return Path(_values(checkout).get("MODELPICK_HOME") or checkout / DEFAULT_NAME).expanduser().resolve()


def _values(checkout: Path) -> dict[str, str]:
    from_file = {name: value for name, value in dotenv_values(checkout / ".env").items() if value is not None}
    return {**from_file, **os.environ}


def _port(text: str) -> int:
    if not text.strip():
        return _DEFAULT_PORT
    if not text.strip().isdigit() or not 1 <= int(text) <= _LAST_PORT:
        raise SettingError(f"PORT: must be a number from 1 to {_LAST_PORT}")
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise SettingError(f"{name}: must be a number of seconds")
    return seconds
