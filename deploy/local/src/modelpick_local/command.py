import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modelpick_local.accounts import Account
from modelpick_local.processes import RUN_MARK


@dataclass(frozen=True)
class Command:
    """One program, ready to be started by whoever watches over it."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM

    def with_mark(self, mark: str) -> "Command":
        return replace(self, env={**self.env, RUN_MARK: mark})

    def popen_arguments(self) -> dict[str, Any]:
        """Return what `subprocess.Popen` and `asyncio.create_subprocess_exec` need beside the words.

        A session of its own keeps the terminal's Ctrl-C away from the part: the launcher decides the order.
        """
        arguments: dict[str, Any] = {"env": dict(self.env), "cwd": self.folder, "start_new_session": True}
        if self.account is not None and os.geteuid() == 0:
            arguments |= {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        return arguments
