from importlib import resources

from alembic.script import ScriptDirectory


def known_revisions() -> set[str]:
    """Return every revision of the tables that this release knows."""
    scripts = ScriptDirectory(str(resources.files("modelpick_shared") / "migrations"))
    return {script.revision for script in scripts.walk_revisions()}
