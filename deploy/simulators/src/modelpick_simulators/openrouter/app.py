import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.routing import Route

from modelpick_simulators.openrouter import control, endpoints
from modelpick_simulators.openrouter.answers import AnswerBook
from modelpick_simulators.openrouter.catalogue import read_catalogue
from modelpick_simulators.openrouter.chat import ChatCompletions
from modelpick_simulators.openrouter.desk import Desk
from modelpick_simulators.openrouter.errors import OpenRouterError
from modelpick_simulators.openrouter.journal import open_journal
from modelpick_simulators.openrouter.personas import persona_of
from modelpick_simulators.openrouter.settings import OpenRouterSettings
from modelpick_simulators.serving import health_router

IMAGE_TIMEOUT_S = 15


def create_app(
    settings: OpenRouterSettings,
    answers: AnswerBook,
    *,
    image_transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    app = FastAPI(title="OpenRouter simulator", openapi_url=None, lifespan=_lifespan)
    client = httpx.AsyncClient(timeout=IMAGE_TIMEOUT_S, transport=image_transport)
    app.state.desk = _desk(settings, answers, client)
    chat = ChatCompletions(app.state.desk)
    app.router.routes.append(Route("/api/v1/chat/completions", chat, methods=["POST"]))
    app.add_exception_handler(OpenRouterError, _refuse)
    for router in (endpoints.router, endpoints.private, control.router, health_router()):
        app.include_router(router)
    return app


def _desk(settings: OpenRouterSettings, answers: AnswerBook, client: httpx.AsyncClient) -> Desk:
    catalogue = read_catalogue(settings.simulator_models)
    return Desk(
        catalogue=catalogue,
        personas={model.id: persona_of(model) for model in catalogue.values()},
        answers=answers,
        client=client,
        journal=open_journal(settings.simulator_journal),
        api_key=settings.openrouter_api_key.get_secret_value(),
        latency_ms=settings.latency_ms,
        rate_limit_share=settings.simulator_rate_limit_share,
    )


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    desk: Desk = app.state.desk
    await desk.client.aclose()
    await desk.answers.close()
    desk.journal.close()


async def _refuse(_request: Request, problem: Exception) -> JSONResponse:
    if not isinstance(problem, OpenRouterError):
        raise problem
    return JSONResponse(problem.body, status_code=problem.status, headers=problem.headers)
