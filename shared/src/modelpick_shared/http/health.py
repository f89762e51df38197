from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel


class Readiness(BaseModel):
    """What a service needs to do its work; `reasons` is empty when it can.

    `broker` is told apart because an HTTP service takes requests without it.
    """

    reasons: list[str] = []
    broker: str | None = None


ReadinessCheck = Callable[[], Awaitable[Readiness]]


def health_router(check: ReadinessCheck) -> APIRouter:
    """Serve `/healthz`, `/readyz` and `/metrics`; the gateway keeps them inside."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        readiness = await check()
        return JSONResponse(
            readiness.model_dump(exclude_none=True), status_code=503 if readiness.reasons else 200
        )

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
