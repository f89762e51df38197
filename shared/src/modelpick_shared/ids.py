"""Ids and idempotency keys, all in one module so that two writers of a key cannot disagree."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new UUID version 7: unique, and sorted by the time of its making (RFC 9562)."""
    return uuid7()


def report_ready_mail(report_id: UUID) -> str:
    return f"report-ready/{report_id}"


def report_failed_mail(report_id: UUID) -> str:
    return f"report-failed/{report_id}"


def payment_received_mail(report_id: UUID) -> str:
    return f"payment-received/{report_id}"


def refunded_mail(payment_intent_id: str) -> str:
    """Return the key of the mail about a payment's refund, of which there is at most one."""
    return f"refunded/{payment_intent_id}"


def sign_in_mail(token_id: UUID) -> str:
    return f"sign-in/{token_id}"


def checkout_session(order_id: UUID) -> str:
    """Return Stripe's idempotency key of an order's Checkout Session."""
    return f"checkout-{order_id}"


def refund(payment_intent_id: str, attempt: int, *, again: int | None = None) -> str:
    """Return Stripe's idempotency key of giving a payment back.

    `again`: the number of the try, once Stripe answers the key without it with a failure that it keeps.
    """
    key = f"refund-{payment_intent_id}-{attempt}"
    return key if again is None else f"{key}-{again}"
