from modelpick_shared.settings import (
    BrokerSettings,
    ImageStoreSettings,
    OpenRouterSettings,
    PositiveInt,
    ServiceSettings,
)


class ModelWorkerSettings(ServiceSettings, BrokerSettings, ImageStoreSettings, OpenRouterSettings):
    """What a model worker reads from the environment; it has no database."""

    per_model_concurrency: PositiveInt = 3
