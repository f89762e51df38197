from modelpick_shared.settings import (
    BrokerSettings,
    DatabaseSettings,
    IdentityProviderSettings,
    ImageStoreSettings,
    ServiceSettings,
)


class ReportsSettings(
    ServiceSettings, DatabaseSettings, BrokerSettings, ImageStoreSettings, IdentityProviderSettings
):
    """What the reports service reads from the environment."""
