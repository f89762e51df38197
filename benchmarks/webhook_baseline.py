"""The webhook endpoint as Stripe's documentation shows it: `construct_event`, then one transaction an event.

Same application around it, same database, same rows written in the end.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import stripe
from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.broker import BrokerConnector, Publisher, Service
from modelpick_shared.contracts import ReportPaid
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db import Database, Outbox, OutboxRelay, insert_once
from modelpick_shared.db.tables import Draft, Order, Report, StripeEvent, User
from modelpick_shared.http import create_app
from modelpick_shared.http.app import background
from modelpick_shared.http.health import Readiness
from modelpick_shared.ids import new_id
from modelpick_webhook.settings import WebhookSettings


def build(settings: WebhookSettings) -> FastAPI:
    database = Database(settings.database_url.get_secret_value(), application="baseline", pool_size=16)
    outbox = Outbox(Service.WEBHOOK)
    publisher = Publisher(
        BrokerConnector(settings.rabbitmq_url.get_secret_value(), name="baseline"), queues=[]
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with database, publisher, background(relay=OutboxRelay(database, publisher, outbox).run()):
            yield

    async def readiness() -> Readiness:
        return Readiness(reasons=[reason] if (reason := await database.ping()) else [])

    endpoint = Endpoint(database, outbox, settings)
    return create_app(
        title="baseline",
        site_url=settings.site_url,
        lifespan=lifespan,
        readiness=readiness,
        routers=[endpoint.router],
    )


class Endpoint:
    def __init__(self, database: Database, outbox: Outbox, settings: WebhookSettings) -> None:
        self._database = database
        self._outbox = outbox
        self._settings = settings
        self.router = APIRouter()
        self.router.post("/api/webhooks/stripe")(self.stripe_event)

    async def stripe_event(self, request: Request) -> Response:
        body = await request.body()
        header = request.headers.get("stripe-signature", "")
        try:
            event = stripe.Webhook.construct_event(body, header, self._settings.webhook_secrets[0])
        except (ValueError, stripe.SignatureVerificationError):
            return Response(status_code=400)
        if event.type == "checkout.session.completed":
            async with self._database.transaction() as session:
                await self._fulfil(session, event)
        return Response(status_code=200)

    async def _fulfil(self, session: AsyncSession, event: stripe.Event) -> None:
        paid = event.data.object
        if not await insert_once(session, StripeEvent, id=event.id, type=event.type, session_id=paid["id"]):
            return
        order = await self._locked(session, UUID(paid["metadata"]["order_id"]))
        if order.status == "paid" or paid["payment_status"] != "paid":
            return
        if (paid["amount_total"], paid["currency"]) != (order.amount_cents, order.currency):
            return
        order.status, order.stripe_session_id, order.payment_intent_id = (
            "paid",
            paid["id"],
            paid["payment_intent"],
        )
        draft = (await session.scalars(select(Draft).where(Draft.id == order.draft_id))).one()
        draft.status = "paid"
        email = (await session.scalars(select(User.email).where(User.id == order.user_id))).one()
        report = self._report(order, email)
        session.add(report)
        await session.flush()
        await self._outbox.add(session, ReportPaid(report_id=report.id))

    async def _locked(self, session: AsyncSession, order_id: UUID) -> Order:
        return (await session.scalars(select(Order).where(Order.id == order_id).with_for_update())).one()

    def _report(self, order: Order, email: str) -> Report:
        return Report(
            id=new_id(),
            user_id=order.user_id,
            draft_id=order.draft_id,
            order_id=order.id,
            stripe_session_id=order.stripe_session_id,
            email=email,
            status="paid",
            share_token=secrets.token_urlsafe(32),
            config_snapshot=order.snapshot,
            total_jobs=ConfigSnapshot.model_validate(order.snapshot).total_jobs,
            ceiling_usd=self._settings.cost_ceiling_usd,
        )
