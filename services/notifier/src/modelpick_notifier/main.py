from modelpick_notifier.app import build
from modelpick_notifier.settings import NotifierSettings
from modelpick_shared.http import run_service


def main() -> None:
    run_service("notifier", NotifierSettings, build)


if __name__ == "__main__":
    main()
