"""Keeping secrets out of what is written: logs, reasons of failures, notes in the database.

Secrets are kept out by not writing them; this is the net below, for texts of others: a vendor's error that
quotes our key or a signed link, a driver's error that quotes a row.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from pydantic_settings import BaseSettings

REDACTED = "[redacted]"
# A shorter one would take common words out of the logs.
SHORTEST_SECRET = 8

# How the name of a secret ends, in an address, a connection's words, a header or a JSON object. Nothing here
# looks for how it begins: that would take a step back for every letter of a long text.
_CALLED = (
    r"(?:secret|passw(?:or)?d|(?:api|access|private|secret)[_-]?key"
    r"|(?:access|auth|refresh|session|security)[_-]?token)"
)
_NAMED = ("secret", "passw", "key", "token", "authorization", "cookie")
_QUOTE = r"\\?['\"]"
_VALUE = r"[^\s&\"'<>;,\\]+"


class _Rule(NamedTuple):
    """What is taken out but for its first group. Looked for only where one of the `words` is, in any case.

    To look for a word costs next to nothing, and most lines of a log have none of them.
    """

    words: tuple[str, ...]
    pattern: re.Pattern[str]


def _rule(words: tuple[str, ...], pattern: str) -> _Rule:
    return _Rule(words, re.compile(pattern, re.IGNORECASE))


_RULES = (
    _rule(
        ("?", "&", "#"),
        rf"([?&#](?:[\w.-]*token|[\w-]+-(?:signature|credential)|sig|signature|key|code)=){_VALUE}",
    ),
    _rule(("modelpick_session",), rf"(modelpick_session=){_VALUE}"),
    _rule(("bearer",), r"(\bbearer\s+)[\w.~+/=-]{8,}"),
    # Not the words that people write after it: what is meant has a capital, a digit or an end of its own.
    _rule(("basic",), r"(\bbasic\s+)(?=[a-z]*(?-i:[A-Z\d+/=]))[\w+/=-]{8,}"),
    # A report's own id is no secret.
    _rule(
        ("/report/", "/api/share/"),
        r"(/(?:report|api/share)/)(?![\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b)[\w-]{20,}",
    ),
    _rule(("data:image/",), rf"(data:image/[\w.+-]+;base64,){_VALUE}"),
    # A password may hold the very mark that ends it.
    _rule(("://",), r"(://)[^\s/:@\"']*:[^\s/\"']+(?=@)"),
    _rule(_NAMED, rf"({_CALLED}=(?:{_QUOTE})?){_VALUE}"),
    _rule(
        _NAMED,
        rf"((?:{_CALLED}|authorization|cookie){_QUOTE}[:,] ?{_QUOTE})(?:[^'\"\\]|\\[^'\"n])+",
    ),
    _rule(_NAMED, rf"(\b{_CALLED}: |\bauthorization: (?:\w+ )?)[^\s\"'\\]+"),
    _rule(("cookie",), r"(\bcookie: )(?=[\w.-]+=)[^\n\"'\\]+"),
    _rule(
        ("sk_", "rk_", "whsec_", "sk-", "aiza"),
        r"()\b(?:(?:[sr]k_(?:live|test)_|whsec_|sk-or-)[\w-]{6,}|sk-[\w-]{20,}|AIza[\w-]{30,})",
    ),
)
# What PostgreSQL adds to an error quotes the row, to the end of the line: also of one that is written as an
# escape, in a text that quotes the error. A JSON string ends earlier.
_DETAIL = ("detail: ",)
_IN_TEXT = (*_RULES, _rule(_DETAIL, r"(DETAIL: )(?:[^\\\n]|\\[^n\n])+"))
_IN_JSON = (*_RULES, _rule(_DETAIL, r"(DETAIL: )(?:[^\"\\\n]|\\[^n\n])+"))


class _Known:
    secrets: re.Pattern[str] | None = None


def learn_secrets(settings: BaseSettings) -> None:
    """Take every secret of the settings out of what is written from now on."""
    secrets = {each for secret in _secret_settings(settings) for each in _forms(secret)}
    longest_first = sorted(secrets, key=len, reverse=True)
    _Known.secrets = re.compile("|".join(map(re.escape, longest_first))) if secrets else None


def redact(text: str) -> str:
    """Return `text` with `[redacted]` in the place of known secrets, and of what looks like one."""
    return _without(_IN_TEXT, text)


def redact_json(line: str) -> str:
    """Return a JSON text without secrets, as `redact` does; it stays JSON."""
    return _without(_IN_JSON, line)


def _without(rules: Iterable[_Rule], text: str) -> str:
    if _Known.secrets is not None:
        text = _Known.secrets.sub(REDACTED, text)
    lowered = text.lower()
    for rule in rules:
        if any(word in lowered for word in rule.words):
            text = rule.pattern.sub(rf"\1{REDACTED}", text)
    return text


def _secret_settings(settings: BaseSettings) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()


def _forms(secret: str) -> Iterator[str]:
    """Yield a setting's secret, those inside it, and how each stands in JSON."""
    for each in _inner(secret):
        if len(each) >= SHORTEST_SECRET:
            yield each
            yield json.dumps(each)[1:-1]


def _inner(secret: str) -> Iterable[str]:
    parts = [secret, *(part.strip() for part in secret.split(","))]
    for part in parts:
        yield part
        yield from _password(part)
        name, equals, value = part.partition("=")
        if equals and "://" not in name:
            yield value.strip()


def _password(url: str) -> Iterator[str]:
    """Yield the password in an address, as written and as meant; one that is the user's name is none."""
    try:
        address = urlsplit(url)
        password = address.password if address.scheme else None
    except ValueError:
        return
    if password and password != address.username:
        yield from (password, unquote(password))
