from modelpick_shared.settings import (
    BenchmarkSettings,
    BrokerSettings,
    DatabaseSettings,
    IdentityProviderSettings,
    ImageStoreSettings,
    RateLimitSettings,
    ServiceSettings,
    StripeSettings,
)


class CheckoutSettings(
    ServiceSettings,
    DatabaseSettings,
    BrokerSettings,
    ImageStoreSettings,
    StripeSettings,
    BenchmarkSettings,
    RateLimitSettings,
    IdentityProviderSettings,
):
    """What the checkout service reads from the environment."""
