from modelpick_shared.settings import (
    BenchmarkSettings,
    BrokerSettings,
    DatabaseSettings,
    ImageStoreSettings,
    ServiceSettings,
    StripeSettings,
)


class CheckoutSettings(
    ServiceSettings, DatabaseSettings, BrokerSettings, ImageStoreSettings, StripeSettings, BenchmarkSettings
):
    """What the checkout service reads from the environment."""
