"""Payment intents and charges in API 2026-10-28.endive."""

from modelpick_simulators.stripe.entities import Card, Charge, PaymentIntent
from modelpick_simulators.stripe.objects import JsonObject

_NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_NO_PERSON = {"name": None, "phone": None, "tax_id": None}
_APPROVED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "seller_message": "Payment complete.",
    "type": "authorized",
}
_UNUSED_INTENT_FIELDS = dict.fromkeys(
    [
        "application",
        "application_fee_amount",
        "canceled_at",
        "cancellation_reason",
        "customer",
        "customer_account",
        "excluded_payment_method_types",
        "managed_payments",
        "next_action",
        "on_behalf_of",
        "payment_method_configuration_details",
        "processing",
        "review",
        "setup_future_usage",
        "shipping",
        "source",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    ]
)
_UNUSED_CHARGE_FIELDS = dict.fromkeys(
    [
        "application",
        "application_fee",
        "application_fee_amount",
        "calculated_statement_descriptor",
        "customer",
        "failure_balance_transaction",
        "failure_code",
        "failure_message",
        "on_behalf_of",
        "receipt_number",
        "review",
        "shipping",
        "source",
        "source_transfer",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    ]
)


def payment_intent_object(intent: PaymentIntent) -> JsonObject:
    return {
        "id": intent.id,
        "object": "payment_intent",
        **_UNUSED_INTENT_FIELDS,
        "amount": intent.amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": intent.amount if intent.latest_charge_id else 0,
        "automatic_payment_methods": None,
        "capture_method": "automatic_async",
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "description": intent.description,
        "last_payment_error": _payment_error(intent),
        "latest_charge": intent.latest_charge_id,
        "livemode": False,
        "metadata": intent.metadata,
        "payment_method": intent.payment_method_id,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "receipt_email": intent.receipt_email,
        "status": intent.status,
    }


def _payment_error(intent: PaymentIntent) -> JsonObject | None:
    if intent.last_decline is None:
        return None
    return {
        "code": intent.last_decline.code,
        "decline_code": intent.last_decline.reason,
        "message": intent.last_decline.message,
        "type": "card_error",
    }


def charge_object(charge: Charge) -> JsonObject:
    return {
        "id": charge.id,
        "object": "charge",
        **_UNUSED_CHARGE_FIELDS,
        "amount": charge.amount,
        "amount_captured": charge.amount,
        "amount_refunded": charge.amount_refunded,
        "balance_transaction": f"txn_{charge.id[3:]}",
        "billing_details": {"address": _NO_ADDRESS, "email": charge.email, **_NO_PERSON},
        "captured": True,
        "created": charge.created,
        "currency": charge.currency,
        "description": None,
        "disputed": charge.disputed,
        "fraud_details": {},
        "livemode": False,
        "metadata": charge.metadata,
        "outcome": _APPROVED,
        "paid": True,
        "payment_intent": charge.payment_intent_id,
        "payment_method": f"pm_{charge.id[3:]}",
        "payment_method_details": {"card": _card_details(charge.card), "type": "card"},
        "receipt_email": None,
        "receipt_url": None,
        "refunded": charge.amount_refunded == charge.amount,
        "refunds": {
            "data": [],
            "has_more": False,
            "object": "list",
            "url": f"/v1/charges/{charge.id}/refunds",
        },
        "status": "succeeded",
    }


def _card_details(card: Card) -> JsonObject:
    return {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "funding": "credit",
        "last4": card.last4,
        "network": "visa",
        "wallet": None,
    }
