"""RabbitMQ's definitions of the users: what a broker loads when it starts, or an operator imports.

`python -m modelpick_shared.broker.definitions` prints them for the passwords in RABBITMQ_PASSWORD_CHECKOUT
and so on; a user whose password is not set may not log in with one. With RABBITMQ_URL set, its user is the
owner: a broker that loads definitions when it first starts makes no user by itself.
"""

import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from modelpick_shared.broker.permissions import USERS, rights_of, user_name
from modelpick_shared.broker.topology import Service
from modelpick_shared.settings import BrokerUserSettings, load_settings

_SALT_BYTES = 4


def password_hash(password: str, salt: bytes | None = None) -> str:
    """Return a password as RabbitMQ stores it: base64 of salt and salted SHA-256 (its documentation)."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def definitions(
    passwords: Mapping[Service, str], *, vhost: str = "/", prefix: str = "modelpick"
) -> dict[str, list[dict[str, Any]]]:
    """Return the services' users with their permissions in a virtual host."""
    return {
        "users": [user(user_name(prefix, service), passwords.get(service)) for service in USERS],
        "vhosts": [{"name": vhost}],
        **permissions(vhost=vhost, prefix=prefix),
    }


def with_owner(
    content: dict[str, list[dict[str, Any]]], name: str, password: str, *, vhost: str = "/"
) -> dict[str, list[dict[str, Any]]]:
    """Return definitions with a user more, who may do everything."""
    everything = {"user": name, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"}
    return {
        **content,
        "users": [user(name, password, tags="administrator"), *content["users"]],
        "permissions": [everything, *content["permissions"]],
    }


def user(name: str, password: str | None, *, tags: str = "") -> dict[str, Any]:
    """Return a user; one without a password cannot log in by one."""
    return {
        "name": name,
        "password_hash": password_hash(password) if password else "",
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": tags,
    }


def permissions(*, vhost: str, prefix: str) -> dict[str, list[dict[str, Any]]]:
    """Return what the services' users may do in a virtual host."""
    plain: list[dict[str, Any]] = []
    topics: list[dict[str, Any]] = []
    for service in USERS:
        rights = rights_of(service)
        whose = {"user": user_name(prefix, service), "vhost": vhost}
        plain.append({**whose, "configure": rights.configure, "write": rights.write, "read": rights.read})
        topics += [
            {**whose, "exchange": topic.exchange.value, "write": topic.write, "read": topic.read}
            for topic in rights.topics
        ]
    return {"permissions": plain, "topic_permissions": topics}


def to_text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def main() -> None:
    settings = load_settings(BrokerUserSettings, "definitions")
    given = {Service(name): secret.get_secret_value() for name, secret in settings.user_passwords().items()}
    owner = settings.rabbitmq_url.get_secret_value() if settings.rabbitmq_url else ""
    sys.stdout.write(to_text(_of(given, urlsplit(owner.split(",")[0]))))


def _of(passwords: Mapping[Service, str], owner: SplitResult) -> dict[str, list[dict[str, Any]]]:
    vhost = vhost_of(owner.geturl())
    content = definitions(passwords, vhost=vhost)
    if not owner.username or not owner.password:
        return content
    return with_owner(content, unquote(owner.username), unquote(owner.password), vhost=vhost)


def vhost_of(url: str) -> str:
    """Return the virtual host that a broker's address names."""
    return unquote(urlsplit(url).path.removeprefix("/")) or "/"


if __name__ == "__main__":
    main()
