from modelpick_shared.http import run_service
from modelpick_webhook.app import build
from modelpick_webhook.settings import WebhookSettings


def main() -> None:
    run_service("webhook", WebhookSettings, build)


if __name__ == "__main__":
    main()
