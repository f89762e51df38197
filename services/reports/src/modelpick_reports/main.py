from modelpick_reports.app import build
from modelpick_reports.settings import ReportsSettings
from modelpick_shared.http import run_service


def main() -> None:
    run_service("reports", ReportsSettings, build)


if __name__ == "__main__":
    main()
