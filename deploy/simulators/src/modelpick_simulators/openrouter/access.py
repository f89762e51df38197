import secrets

from modelpick_simulators.openrouter.errors import OpenRouterError


def check_key(authorization: str | None, expected: str) -> None:
    """Raise OpenRouterError unless the header bears the expected key; any will do when none is expected."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise OpenRouterError(401, "Missing Authentication header")
    if expected and not secrets.compare_digest(key.encode(), expected.encode()):
        raise OpenRouterError(401, "No auth credentials found")
