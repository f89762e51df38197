from modelpick_shared.settings import BenchmarkSettings, BrokerSettings, DatabaseSettings, ServiceSettings


class OrchestratorSettings(ServiceSettings, DatabaseSettings, BrokerSettings, BenchmarkSettings):
    """What the orchestrator reads from the environment."""
