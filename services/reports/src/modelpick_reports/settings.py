from modelpick_shared.settings import BrokerSettings, DatabaseSettings, ImageStoreSettings, ServiceSettings


class ReportsSettings(ServiceSettings, DatabaseSettings, BrokerSettings, ImageStoreSettings):
    """What the reports service reads from the environment."""
