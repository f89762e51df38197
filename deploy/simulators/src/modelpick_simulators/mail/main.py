from modelpick_simulators.mail.app import create_app
from modelpick_simulators.mail.settings import MailSettings
from modelpick_simulators.serving import serve


def main() -> None:
    settings = MailSettings()
    serve(create_app(settings), port=settings.simulator_port)


if __name__ == "__main__":
    main()
