"""Points at which a test can make a service die, as if the machine had failed just there.

Off unless `FAULT_DIR` is set, which only tests do. A file of a point's name in that folder kills, with
SIGKILL, the next process that reaches the point; the file goes with it, so that it happens once.
"""

import os
import signal
from enum import StrEnum
from pathlib import Path


class FaultPoint(StrEnum):
    PLAN_INSERTED = "plan-inserted"
    RESULTS_RECEIVED = "results-received"
    RESULTS_RECORDED = "results-recorded"
    RESULTS_COMMITTED = "results-committed"
    RELAY_PUBLISHED = "relay-published"
    CALL_STARTING = "call-starting"
    CALL_ANSWERED = "call-answered"
    RESULT_PUBLISHED = "result-published"


class _Armed:
    folder: Path | None = None


def arm(folder: str | None) -> None:
    """Watch a folder from now on; None disarms."""
    _Armed.folder = Path(folder) if folder else None


def reach(point: FaultPoint) -> None:
    """Die here if a test asked for it."""
    if _Armed.folder is None:
        return
    try:
        (_Armed.folder / point.value).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
