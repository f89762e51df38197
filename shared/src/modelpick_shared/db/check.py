"""Fail when the tables in the code and the migrations differ: `python -m modelpick_shared.db.check`."""

import sys

from alembic import command
from alembic.util import CommandError

from modelpick_shared.db.migrate import alembic_config, upgrade
from modelpick_shared.settings import DatabaseSettings, load_settings


def main() -> int:
    url = load_settings(DatabaseSettings, "alembic check").database_url.get_secret_value()
    upgrade(url)
    try:
        command.check(alembic_config(url))
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
