"""The time that a webhook's sender signs with the body, as Stripe and Svix do: seconds since 1970."""

import time

TOLERANCE_S = 300
# They have 10 digits until the year 2286. Thousands are more than int() and subtraction bear.
_MOST_DIGITS = 12


def is_signed_time(text: str) -> bool:
    """Say whether a text is such a time at all."""
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def is_recent(signed_time: str) -> bool:
    """Say whether a signed time is within 5 minutes of now, before or after."""
    return abs(time.time() - int(signed_time)) <= TOLERANCE_S
