"""Write what administrators load where the system may not make its own roles and users; `--check` compares.

deploy/postgres/roles.sql makes the database roles, deploy/rabbitmq/definitions.json the broker's users.
"""

import sys
from pathlib import Path

from modelpick_local.home import find_checkout
from modelpick_shared.broker.definitions import definitions, to_text
from modelpick_shared.db.grants import Role

_ROLES_HEAD = """\
-- Made from modelpick_shared.db.grants by `python -m modelpick_local.access_files`.
-- Makes the services' roles where the owner of the database may make none. As an administrator:
--   psql -v prefix=DATABASE_NAME -v checkout_password=... [one for each role] -f roles.sql
-- Migrations, which run as the owner, then give each role exactly its grants. Safe to repeat.
\\set ON_ERROR_STOP on
"""
_ROLE = """
SELECT format('CREATE ROLE %I', :'prefix' || '_{role}')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'prefix' || '_{role}') \\gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'prefix' || '_{role}', :'{role}_password') \\gexec
"""


def wanted(checkout: Path) -> dict[Path, str]:
    """Return the files' contents."""
    return {
        checkout / "deploy/postgres/roles.sql": _ROLES_HEAD
        + "".join(_ROLE.format(role=role) for role in Role),
        checkout / "deploy/rabbitmq/definitions.json": to_text(definitions({})),
    }


def main() -> int:
    old = {path: text for path, text in wanted(find_checkout()).items() if _content(path) != text}
    for path, text in old.items():
        if "--check" in sys.argv[1:]:
            sys.stderr.write(f"{path.name} is old: run python -m modelpick_local.access_files\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return int(bool(old) and "--check" in sys.argv[1:])


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
