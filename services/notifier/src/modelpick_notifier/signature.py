"""The signature that Resend's webhooks carry, which is Svix's (https://docs.svix.com/receiving/verifying-payloads/how-manual)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from modelpick_notifier.errors import InvalidSignatureError
from modelpick_shared.http.signed_times import is_recent, is_signed_time

PREFIX = "whsec_"


def signing_key(secret: str) -> bytes:
    """Return the key in a secret like `whsec_MfKQ9r8G...`. Raises ValueError when it holds none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("is no webhook secret: what follows whsec_ is not base64") from error
    if not key:
        raise ValueError("is no webhook secret: it is empty")
    return key


def verify(body: bytes, *, event_id: str, timestamp: str, signatures: str, keys: Sequence[bytes]) -> None:
    """Check that one of the keys signed id, time and body, and that the time is within 5 minutes of now.

    Raises InvalidSignatureError.
    """
    if not (event_id and is_signed_time(timestamp)):
        raise InvalidSignatureError("the id or the time is missing")
    if not is_recent(timestamp):
        raise InvalidSignatureError("the signature is too old, or from the future")
    signed = f"{event_id}.{timestamp}.".encode() + body
    given = [part.removeprefix("v1,").encode() for part in signatures.split() if part.startswith("v1,")]
    expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys]
    # Every pair is compared, so that the time tells nothing.
    if not sum(hmac.compare_digest(one, other) for one in given for other in expected):
        raise InvalidSignatureError("the signature does not match")
