"""Bring a database to the newest schema: `python -m modelpick_shared.db.migrate` with DATABASE_URL set.

With the password of a role set (DATABASE_PASSWORD_CHECKOUT and so on) that role is made; every role that
there is gets exactly its grants.
"""

import sys
from importlib import resources

from alembic import command
from alembic.config import Config

from modelpick_shared.db.engine import sqlalchemy_url
from modelpick_shared.db.grants import Role
from modelpick_shared.db.roles import establish
from modelpick_shared.errors import SettingsError, TransientError
from modelpick_shared.settings import DatabaseRoleSettings, load_settings


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for the database of that address."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("modelpick_shared") / "migrations"))
    config.attributes["url"] = sqlalchemy_url(url)
    return config


def upgrade(url: str) -> None:
    """Run every migration that the database has not seen; safe to run from several places at once."""
    command.upgrade(alembic_config(url), "head")


def main() -> None:
    settings = load_settings(DatabaseRoleSettings, "migrate")
    url = settings.database_url.get_secret_value()
    passwords = {Role(name): secret.get_secret_value() for name, secret in settings.role_passwords().items()}
    try:
        upgrade(url)
        establish(url, passwords)
    except (SettingsError, TransientError) as error:
        sys.stderr.write(f"migrate: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
