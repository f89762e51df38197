from modelpick_orchestrator.app import build
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_shared.http import run_service


def main() -> None:
    run_service("orchestrator", OrchestratorSettings, build)


if __name__ == "__main__":
    main()
