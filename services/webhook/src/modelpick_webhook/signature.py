import time
from collections.abc import Sequence

import stripe

from modelpick_webhook.errors import InvalidSignatureError

TOLERANCE_S = 300


def verify(body: bytes, header: str, secrets: Sequence[str]) -> None:
    """Check that Stripe signed the body with one of the secrets within the last 5 minutes.

    Raises InvalidSignatureError.
    """
    if not any(_signed(body, header, secret) for secret in secrets):
        raise InvalidSignatureError("the signature does not match, or is too old")
    # Stripe's own check rejects old times only.
    if _signed_at(header) > time.time() + TOLERANCE_S:
        raise InvalidSignatureError("the signature is from the future")


def _signed(body: bytes, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_S))
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        # The latter two come of bodies that are not UTF-8 and of headers that are not ASCII.
        return False


def _signed_at(header: str) -> int:
    """Return the time of a header that was verified, in seconds since 1970: the same one that was signed."""
    items = (item.split("=", 2) for item in header.split(","))
    return next(int(item[1]) for item in items if item[0] == "t")
