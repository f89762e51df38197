from modelpick_model_worker.app import build
from modelpick_model_worker.settings import ModelWorkerSettings
from modelpick_shared.http import run_service


def main() -> None:
    run_service("model-worker", ModelWorkerSettings, build)


if __name__ == "__main__":
    main()
