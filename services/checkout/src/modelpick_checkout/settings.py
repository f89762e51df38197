from modelpick_shared.settings import (
    BenchmarkSettings,
    BrokerSettings,
    DatabaseSettings,
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
):
    """What the checkout service reads from the environment."""
