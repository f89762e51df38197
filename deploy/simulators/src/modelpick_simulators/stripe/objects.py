"""Sessions and events in API 2026-10-28.endive: every field of the published objects, null where unused."""

from typing import Any

from modelpick_simulators.stripe.entities import CheckoutSession, Event
from modelpick_simulators.stripe.parameters import LineItemParameters

API_VERSION = "2026-10-28.endive"
JsonObject = dict[str, Any]


_UNUSED_SESSION_FIELDS = dict.fromkeys(
    [
        "after_expiration",
        "allow_promotion_codes",
        "billing_address_collection",
        "client_secret",
        "collected_information",
        "consent",
        "consent_collection",
        "currency_conversion",
        "customer",
        "customer_account",
        "discounts",
        "integration_identifier",
        "invoice",
        "managed_payments",
        "origin_context",
        "payment_link",
        "payment_method_configuration_details",
        "permissions",
        "recovered_from",
        "saved_payment_method_options",
        "setup_intent",
        "shipping_address_collection",
        "shipping_cost",
        "subscription",
        "wallet_options",
    ]
)


def session_object(session: CheckoutSession) -> JsonObject:
    return {
        "id": session.id,
        "object": "checkout.session",
        **_UNUSED_SESSION_FIELDS,
        **_session_choices(session),
        **_session_money(session),
        **_session_progress(session),
        "adaptive_pricing": {"enabled": False},
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": session.created,
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "expires_at": session.expires_at,
        "invoice_creation": {"enabled": False, "invoice_data": None},
        "livemode": False,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
    }


def _session_choices(session: CheckoutSession) -> JsonObject:
    chosen = session.parameters
    return {
        "cancel_url": chosen.cancel_url,
        "client_reference_id": chosen.client_reference_id,
        "customer_creation": chosen.customer_creation,
        "customer_email": chosen.customer_email,
        "locale": chosen.locale,
        "metadata": chosen.metadata,
        "mode": chosen.mode,
        "submit_type": chosen.submit_type,
        "success_url": chosen.success_url,
        "ui_mode": chosen.ui_mode,
    }


def _session_money(session: CheckoutSession) -> JsonObject:
    return {
        "amount_subtotal": session.parameters.total_cents,
        "amount_total": session.parameters.total_cents,
        "currency": session.parameters.currency,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }


def _session_progress(session: CheckoutSession) -> JsonObject:
    email = session.payer_email or session.parameters.customer_email
    return {
        "customer_details": _customer_details(email) if email else None,
        "payment_intent": session.payment_intent_id if session.status == "complete" else None,
        "payment_status": "paid" if session.paid else "unpaid",
        "status": session.status,
        "url": session.page_url if session.status == "open" else None,
    }


def _customer_details(email: str) -> JsonObject:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def line_item_object(session: CheckoutSession, position: int, item: LineItemParameters) -> JsonObject:
    total = item.quantity * item.price_data.unit_amount
    return {
        "id": f"li_{session.id[-14:]}{position}",
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": session.parameters.currency,
        "description": item.price_data.product_data.name,
        "metadata": item.metadata,
        "price": _price_object(session, position, item),
        "quantity": item.quantity,
    }


def _price_object(session: CheckoutSession, position: int, item: LineItemParameters) -> JsonObject:
    key = f"{session.id[-14:]}{position}"
    return {
        "id": f"price_{key}",
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": session.created,
        "currency": session.parameters.currency,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": f"prod_{key}",
        "recurring": None,
        "tax_behavior": item.price_data.tax_behavior or "unspecified",
        "type": "one_time",
        "unit_amount": item.price_data.unit_amount,
        "unit_amount_decimal": str(item.price_data.unit_amount),
    }


def event_object(event: Event) -> JsonObject:
    return {
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": {"object": event.snapshot},
        "livemode": False,
        "pending_webhooks": 0 if event.delivered else 1,
        "request": {"id": event.request_id, "idempotency_key": event.idempotency_key},
        "type": event.type,
    }
