"""Run a command with a temporary database: `python -m modelpick_local.with_postgres -- COMMAND...`."""

import os
import subprocess
import sys

from modelpick_local.session_servers import database_server

_USAGE_EXIT_CODE = 2


def main() -> int:
    words = sys.argv[1:]
    if words[:1] == ["--"]:
        words = words[1:]
    if not words:
        print("usage: python -m modelpick_local.with_postgres -- COMMAND...", file=sys.stderr)  # noqa: T201
        return _USAGE_EXIT_CODE
    with database_server() as server:
        url = server.create()
        try:
            return subprocess.run(words, env={**os.environ, "DATABASE_URL": url}, check=False).returncode  # noqa: S603
        finally:
            server.drop(url)


if __name__ == "__main__":
    sys.exit(main())
