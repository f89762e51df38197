"""The parameters of creating a Checkout Session (API 2026-10-28.endive), and what Stripe refuses in them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from modelpick_simulators.stripe.errors import StripeError, missing_parameter, unknown_parameter
from modelpick_simulators.stripe.forms import as_list, parameter_name

ALLOWED_PARAMETERS = frozenset(
    [
        "adaptive_pricing",
        "after_expiration",
        "allow_promotion_codes",
        "allowed_payment_method_types",
        "automatic_tax",
        "billing_address_collection",
        "branding_settings",
        "cancel_url",
        "client_reference_id",
        "consent_collection",
        "currency",
        "custom_fields",
        "custom_text",
        "customer",
        "customer_account",
        "customer_creation",
        "customer_email",
        "customer_update",
        "discounts",
        "excluded_payment_method_types",
        "expand",
        "expires_at",
        "integration_identifier",
        "invoice_creation",
        "line_items",
        "locale",
        "managed_payments",
        "metadata",
        "mode",
        "name_collection",
        "optional_items",
        "origin_context",
        "payment_intent_data",
        "payment_method_collection",
        "payment_method_configuration",
        "payment_method_data",
        "payment_method_options",
        "permissions",
        "phone_number_collection",
        "redirect_on_completion",
        "return_url",
        "saved_payment_method_options",
        "setup_intent_data",
        "shipping_address_collection",
        "shipping_options",
        "submit_type",
        "subscription_data",
        "success_url",
        "tax_id_collection",
        "ui_mode",
        "wallet_options",
    ]
)
LARGEST_AMOUNT_CENTS = 99_999_999
SMALLEST_TOTAL_CENTS = 50
SHORTEST_LIFE_S = 30 * 60
LONGEST_LIFE_S = 24 * 3600


def _known_metadata_size(metadata: dict[str, str]) -> dict[str, str]:
    if len(metadata) > 50:  # noqa: PLR2004 - the three limits are Stripe's
        raise PydanticCustomError("metadata", "Metadata can have up to 50 keys.")
    for key, value in metadata.items():
        if len(key) > 40 or len(value) > 500:  # noqa: PLR2004
            raise PydanticCustomError(
                "metadata", "Metadata keys can be up to 40 characters long, values up to 500 characters."
            )
    return metadata


def _http_url(value: str) -> str:
    # A placeholder such as {CHECKOUT_SESSION_ID} is no valid part of an address.
    AnyHttpUrl(value.replace("{", "").replace("}", ""))
    return value


Metadata = Annotated[dict[str, str], AfterValidator(_known_metadata_size)]
Text = Annotated[str, Field(min_length=1)]
Url = Annotated[str, Field(min_length=1), AfterValidator(_http_url)]
StringList = Annotated[list[str], BeforeValidator(as_list)]


class Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ProductData(Parameters):
    name: Text
    description: Text | None = None
    images: StringList | None = None
    metadata: Metadata = {}
    tax_code: str | None = None
    tax_details: Any = None
    unit_label: str | None = None


class PriceData(Parameters):
    currency: Annotated[str, Field(pattern="^[a-zA-Z]{3}$")]
    unit_amount: Annotated[int, Field(ge=0, le=LARGEST_AMOUNT_CENTS)]
    product_data: ProductData
    tax_behavior: Literal["exclusive", "inclusive", "unspecified"] | None = None


class LineItemParameters(Parameters):
    price_data: PriceData
    quantity: Annotated[int, Field(ge=1, le=999_999)] = 1
    adjustable_quantity: Any = None
    metadata: Metadata = {}
    tax_rates: Any = None


class PaymentIntentData(Parameters):
    application_fee_amount: int | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] | None = None
    description: str | None = None
    metadata: Metadata = {}
    on_behalf_of: str | None = None
    receipt_email: str | None = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    shipping: Any = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_data: Any = None
    transfer_group: str | None = None


class SessionParameters(BaseModel):
    """The parameters that have an effect here; the other allowed ones are taken and ignored."""

    mode: Literal["payment"]
    line_items: Annotated[
        list[LineItemParameters], BeforeValidator(as_list), Field(min_length=1, max_length=100)
    ]
    success_url: Url
    cancel_url: Url | None = None
    client_reference_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    customer_creation: Literal["always", "if_required"] = "if_required"
    customer_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=800)] | None = None
    expires_at: int | None = None
    expand: StringList = []
    locale: str | None = None
    metadata: Metadata = {}
    payment_intent_data: PaymentIntentData = PaymentIntentData()
    submit_type: Literal["auto", "book", "donate", "pay", "subscribe"] | None = None
    ui_mode: Literal["hosted_page"] = "hosted_page"

    @property
    def currency(self) -> str:
        return self.line_items[0].price_data.currency.lower()

    @property
    def total_cents(self) -> int:
        return sum(item.quantity * item.price_data.unit_amount for item in self.line_items)


def session_parameters(form: Mapping[str, Any], *, now: int) -> SessionParameters:
    """Check a decoded form. Raises StripeError with the code and the parameter that Stripe would name."""
    for name in form:
        if name not in ALLOWED_PARAMETERS:
            raise unknown_parameter(name)
    try:
        parameters = SessionParameters.model_validate(form)
    except ValidationError as problem:
        raise _translated(problem.errors()) from problem
    _check_amounts(parameters)
    _check_expiry(parameters, now)
    return parameters


def _check_amounts(parameters: SessionParameters) -> None:
    if len({item.price_data.currency.lower() for item in parameters.line_items}) > 1:
        raise StripeError("All line items must have the same currency.", param="line_items")
    if parameters.total_cents < SMALLEST_TOTAL_CENTS:
        raise StripeError(
            "The Checkout Session's total amount due must add up to at least $0.50 usd",
            code="amount_too_small",
        )
    if parameters.total_cents > LARGEST_AMOUNT_CENTS:
        raise StripeError("The Checkout Session's total amount due is too large.", code="amount_too_large")


def _check_expiry(parameters: SessionParameters, now: int) -> None:
    if parameters.expires_at is None:
        return
    life_s = parameters.expires_at - now
    if life_s < SHORTEST_LIFE_S:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise StripeError(message, param="expires_at")
    if life_s > LONGEST_LIFE_S:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise StripeError(message, param="expires_at")


def _translated(problems: list[ErrorDetails]) -> StripeError:
    # Stripe speaks of one problem at a time, and of unknown parameters first.
    problem = min(problems, key=lambda each: each["type"] != "extra_forbidden")
    name = parameter_name(problem["loc"])
    match problem["type"]:
        case "extra_forbidden":
            return unknown_parameter(name)
        case "missing":
            return missing_parameter(name)
        case "int_parsing" | "int_from_float" | "int_type":
            return StripeError(
                f"Invalid integer: {problem['input']}", code="parameter_invalid_integer", param=name
            )
        case "string_too_short":
            message = f"You passed an empty string for '{name}'."
            return StripeError(message, code="parameter_invalid_empty", param=name)
        case _:
            return _by_parameter(name, problem)


def _by_parameter(name: str, problem: ErrorDetails) -> StripeError:
    if name.endswith("_url"):
        return StripeError("Not a valid URL", code="url_invalid", param=name)
    if name == "customer_email":
        return StripeError(f"Invalid email address: {problem['input']}", code="email_invalid", param=name)
    if name.endswith("[currency]"):
        return StripeError(f"Invalid currency: {problem['input']}.", param=name)
    return StripeError(f"Invalid {name}: {problem['msg']}", param=name)
