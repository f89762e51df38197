import hmac
from collections.abc import Sequence

from modelpick_shared.http.signed_times import is_recent, is_signed_time
from modelpick_webhook.errors import InvalidSignatureError

_SCHEME = "v1"


def verify(body: bytes, header: str, secrets: Sequence[str]) -> None:
    """Check that Stripe signed the body with one of the secrets less than 5 minutes ago or ahead.

    Raises InvalidSignatureError. See docs.stripe.com/webhooks: HMAC-SHA256 of `{t}.{body}`, in hex. The check
    in Stripe's library takes any time of the future, and only one secret.
    """
    timestamp, signatures = _parts(header)
    if not is_recent(timestamp):
        raise InvalidSignatureError("the signature is too old, or from the future")
    signed = timestamp.encode() + b"." + body
    expected = [hmac.digest(secret.encode(), signed, "sha256").hex().encode() for secret in secrets]
    # Every pair is compared, each in constant time.
    matches = [hmac.compare_digest(each, signature) for each in expected for signature in signatures]
    if not any(matches):
        raise InvalidSignatureError("the signature does not match")


def _parts(header: str) -> tuple[str, list[bytes]]:
    """Return the time, which is there once and decimal, and the signatures of the scheme that we know."""
    items = [item.partition("=") for item in header.split(",")]
    times = [value for name, _, value in items if name == "t"]
    if len(times) != 1 or not is_signed_time(times[0]):
        raise InvalidSignatureError("the signature has no time")
    return times[0], [value.encode() for name, _, value in items if name == _SCHEME]
