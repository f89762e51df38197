from modelpick_simulators.serving import serve
from modelpick_simulators.stripe.app import create_app
from modelpick_simulators.stripe.settings import StripeSettings


def main() -> None:
    settings = StripeSettings()
    serve(create_app(settings), port=settings.simulator_port)


if __name__ == "__main__":
    main()
