from modelpick_shared.settings import (
    BenchmarkSettings,
    BrokerSettings,
    DatabaseSettings,
    HousekeepingSettings,
    ServiceSettings,
)


class OrchestratorSettings(
    ServiceSettings, DatabaseSettings, BrokerSettings, BenchmarkSettings, HousekeepingSettings
):
    """What the orchestrator reads from the environment."""
