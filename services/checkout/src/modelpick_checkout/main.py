from modelpick_checkout.app import build
from modelpick_checkout.settings import CheckoutSettings
from modelpick_shared.http import run_service


def main() -> None:
    run_service("checkout", CheckoutSettings, build)


if __name__ == "__main__":
    main()
