from pathlib import Path

BAD_SETTING_EXIT_CODE = 2  # of the launcher, and of every part


class LocalError(Exception):
    """Something the person at the keyboard can act on: shown as one line, without a traceback."""

    exit_code = 1


class SettingError(LocalError):
    """A setting has an invalid value."""

    exit_code = BAD_SETTING_EXIT_CODE


class PartFailedError(LocalError):
    """A part did not become ready."""

    def __init__(self, name: str, reason: str, log: Path | None = None) -> None:
        self.name = name
        self.log = log
        see = f" (log: {log})" if log else ""
        super().__init__(f"{name}: {reason}{see}")
