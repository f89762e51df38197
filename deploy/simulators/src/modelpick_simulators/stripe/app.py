import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from modelpick_simulators.serving import health_router
from modelpick_simulators.stripe import control, endpoints, reversal_endpoints
from modelpick_simulators.stripe.checkout import Checkout
from modelpick_simulators.stripe.delivery import Deliverer
from modelpick_simulators.stripe.desk import Desk
from modelpick_simulators.stripe.errors import StripeError
from modelpick_simulators.stripe.idempotency import IdempotencyKeys
from modelpick_simulators.stripe.ids import new_id
from modelpick_simulators.stripe.outage import Outage
from modelpick_simulators.stripe.pages import page_templates, pages_router
from modelpick_simulators.stripe.refunds import Reversals
from modelpick_simulators.stripe.settings import StripeSettings
from modelpick_simulators.stripe.store import Clock, Store

WEBHOOK_TIMEOUT_S = 20
EXPIRY_CHECK_S = 1


def create_app(
    settings: StripeSettings,
    *,
    clock: Clock = time.time,
    webhook_transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """Build the simulator; `clock` tells the time in seconds since 1970."""
    app = FastAPI(title="Stripe simulator", openapi_url=None, lifespan=_lifespan)
    app.state.client = httpx.AsyncClient(timeout=WEBHOOK_TIMEOUT_S, transport=webhook_transport)
    app.state.desk = _desk(settings, app.state.client, clock)
    app.state.templates = page_templates()
    app.add_exception_handler(StripeError, _refuse)
    for router in (
        endpoints.router,
        reversal_endpoints.router,
        control.router,
        pages_router(),
        health_router(),
    ):
        app.include_router(router)
    return app


def _desk(settings: StripeSettings, client: httpx.AsyncClient, clock: Clock) -> Desk:
    store = Store()
    deliverer = Deliverer(
        store, client, url=settings.stripe_webhook_url, secrets=settings.webhook_secrets, clock=clock
    )
    checkout = Checkout(store, public_url=settings.public_url, clock=clock, tell=deliverer.submit)
    secret_key = settings.stripe_secret_key.get_secret_value()
    return Desk(
        store=store,
        checkout=checkout,
        deliverer=deliverer,
        idempotency=IdempotencyKeys(clock),
        secret_key=secret_key,
        reversals=Reversals(checkout),
        outage=Outage(),
    )


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    expiry = asyncio.create_task(_expire_in_time(desk.checkout))
    yield
    expiry.cancel()
    await asyncio.gather(expiry, return_exceptions=True)
    await desk.deliverer.stop()
    await app.state.client.aclose()


async def _expire_in_time(checkout: Checkout) -> None:
    while True:
        checkout.expire_what_is_due()
        await asyncio.sleep(EXPIRY_CHECK_S)


async def _refuse(_request: Request, problem: Exception) -> JSONResponse:
    if not isinstance(problem, StripeError):
        raise problem
    return JSONResponse(problem.body, status_code=problem.status, headers={"Request-Id": new_id("req", 14)})
