"""Database roles, one a service: their names and addresses, and bringing them in line with their grants.

Roles belong to a whole server while grants belong to one database, so that a role is named after its
database: `modelpick_checkout` is the checkout service in the database `modelpick`.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from modelpick_shared.db.grants import Privilege, Role, privileges_of
from modelpick_shared.errors import SettingsError

# PostgreSQL cuts names at 63 characters; the longest ending is `_orchestrator`.
_LONGEST_PREFIX = 49
_LOCK_KEY = 0x6D70_726F_6C65  # "mprole"
_MAY_MAKE_ROLES = "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
# Columns, too: a privilege on some of them has an entry with each. One that may be passed on is another one.
_GRANTED = """
SELECT privilege_type || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, relname, attname
FROM (
    SELECT entry.*, class.relname, NULL AS attname
    FROM pg_class AS class, aclexplode(class.relacl) AS entry
    WHERE class.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT entry.*, class.relname, col.attname
    FROM pg_attribute AS col JOIN pg_class AS class ON class.oid = col.attrelid,
        aclexplode(col.attacl) AS entry
    WHERE class.relnamespace = 'public'::regnamespace
) AS entries
WHERE grantee = %(role)s::regrole
"""
_SCHEMA_RIGHTS = """
SELECT has_schema_privilege(%(role)s, 'public', 'USAGE'), has_schema_privilege(%(role)s, 'public', 'CREATE')
"""


def role_name(prefix: str, role: Role) -> str:
    """Return the name of a role of the database, or group of databases, of that prefix."""
    if len(prefix) > _LONGEST_PREFIX:
        prefix = f"{prefix[:40]}_{hashlib.sha256(prefix.encode()).hexdigest()[:8]}"
    return f"{prefix}_{role.value}"


def prefix_of(url: str) -> str:
    """Return the prefix of the roles of a database, which is its name."""
    parts = urlsplit(url)
    return parts.path.removeprefix("/") or parts.username or "modelpick"


def role_url(url: str, role: Role, password: str, *, prefix: str | None = None) -> str:
    """Return the owner's address of a database with the role and its password in the owner's place."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    name = role_name(prefix or prefix_of(url), role)
    return urlunsplit(parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{host}"))


def establish(url: str, passwords: Mapping[Role, str], *, prefix: str | None = None) -> None:
    """Make the roles whose passwords are given, and give every role that is there exactly its grants.

    `url` is the owner's address of a migrated database. Safe to repeat, and from several places at once.
    Raises SettingsError when the owner may not make roles that are missing.
    """
    prefix = prefix or prefix_of(url)
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_KEY])
        _make_roles(connection, {role_name(prefix, role): password for role, password in passwords.items()})
        for role in Role:
            if _exists(connection, role_name(prefix, role)):
                _align(connection, role_name(prefix, role), privileges_of(role))


def granted(connection: psycopg.Connection, name: str) -> frozenset[Privilege]:
    """Return what the role of that name is granted on tables and columns, as the database says."""
    rows = connection.execute(_GRANTED, {"role": _quoted(connection, name)})
    return frozenset(Privilege(*row) for row in rows)


def remove(url: str, *, prefix: str | None = None) -> None:
    """Remove the roles of a prefix, which own nothing, with their grants in this database."""
    prefix = prefix or prefix_of(url)
    with psycopg.connect(url) as connection:
        for name in (role_name(prefix, role) for role in Role):
            if _exists(connection, name):
                connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))


def _make_roles(connection: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    missing = [name for name in passwords if not _exists(connection, name)]
    if connection.execute(_MAY_MAKE_ROLES).fetchone() != (True,):
        if missing:
            raise SettingsError(_cannot_make(connection, missing))
        return  # whoever made them gave them their passwords
    for name, password in passwords.items():
        verb = sql.SQL("CREATE" if name in missing else "ALTER")
        statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
        verifier = _verifier(connection, name, password)
        try:
            connection.execute(statement.format(verb, sql.Identifier(name), sql.Literal(verifier)))
        except psycopg.errors.InsufficientPrivilege:
            raise SettingsError(_cannot_make(connection, [name])) from None


def _verifier(connection: psycopg.Connection, name: str, password: str) -> str:
    """Return what the server stores of a password, so that the password itself gets into no log."""
    return connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()


def _cannot_make(connection: psycopg.Connection, names: list[str]) -> str:
    return (
        f"DATABASE_URL: {connection.info.user} may not make or change the roles {', '.join(names)}: give it"
        " CREATEROLE, or have them made with deploy/postgres/roles.sql, or set DATABASE_ROLES=owner"
    )


def _exists(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is not None


def _align(connection: psycopg.Connection, name: str, wanted: frozenset[Privilege]) -> None:
    """Revoke and grant only where something differs, which is once a release."""
    if granted(connection, name) == wanted and _may_only_enter(connection, name):
        return
    role = sql.Identifier(name)
    for what in ("ALL TABLES IN SCHEMA public", "ALL SEQUENCES IN SCHEMA public", "SCHEMA public"):
        connection.execute(sql.SQL("REVOKE ALL ON {} FROM {} CASCADE").format(sql.SQL(what), role))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    connection.execute(_grants(wanted, role))


def _grants(wanted: frozenset[Privilege], role: sql.Identifier) -> sql.Composed:
    statements = []
    for kind, table, column in sorted(wanted, key=str):
        columns = sql.SQL(" ({})").format(sql.Identifier(column)) if column else sql.SQL("")
        target = sql.Identifier("public", table)
        statements.append(sql.SQL("GRANT {}{} ON {} TO {}").format(sql.SQL(kind), columns, target, role))
    return sql.SQL("; ").join(statements)


def _may_only_enter(connection: psycopg.Connection, name: str) -> bool:
    """Say whether a role may use the tables there are and make none."""
    return connection.execute(_SCHEMA_RIGHTS, {"role": name}).fetchone() == (True, False)


def _quoted(connection: psycopg.Connection, name: str) -> str:
    return sql.Identifier(name).as_string(connection)
