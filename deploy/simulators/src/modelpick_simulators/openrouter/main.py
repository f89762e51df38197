from modelpick_simulators.openrouter.answers import PostgresAnswerBook
from modelpick_simulators.openrouter.app import create_app
from modelpick_simulators.openrouter.settings import OpenRouterSettings
from modelpick_simulators.serving import serve


def main() -> None:
    settings = OpenRouterSettings()
    answers = PostgresAnswerBook(settings.database_url)
    serve(create_app(settings, answers), port=settings.simulator_port)


if __name__ == "__main__":
    main()
