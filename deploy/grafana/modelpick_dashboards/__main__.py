"""Write the dashboards' JSON: `python -m modelpick_dashboards`, from the top of the checkout.

With `--check` nothing is written; the exit code is 1 when a committed file is out of date.
"""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from modelpick_dashboards.boards import BOARDS
from modelpick_dashboards.panels import Board

FOLDER = Path("deploy/grafana/dashboards")


def rendered() -> dict[str, str]:
    """Return file name -> content of every dashboard."""
    return {f"{board.uid}.json": _json(board) for board in BOARDS}


def stale() -> list[str]:
    """Return the names of files that differ from what would be written, or are left over."""
    wanted = rendered()
    present = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def main(arguments: list[str]) -> int:
    names = stale()
    if "--check" in arguments:
        if names:
            sys.stderr.write(f"out of date, run `make dashboards`: {', '.join(names)}\n")
        return 1 if names else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names:
        (FOLDER / name).unlink(missing_ok=True)
    for name, content in rendered().items():
        (FOLDER / name).write_text(content)
    return 0


def _json(board: Board) -> str:
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build().build()) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
