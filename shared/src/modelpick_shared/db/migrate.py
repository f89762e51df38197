"""Bring a database to the newest schema: `python -m modelpick_shared.db.migrate` with DATABASE_URL set."""

from importlib import resources

from alembic import command
from alembic.config import Config

from modelpick_shared.db.engine import sqlalchemy_url
from modelpick_shared.settings import DatabaseSettings, load_settings


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
    settings = load_settings(DatabaseSettings, "migrate")
    upgrade(settings.database_url.get_secret_value())


if __name__ == "__main__":
    main()
