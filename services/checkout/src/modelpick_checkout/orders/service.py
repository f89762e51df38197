import asyncio
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_checkout.drafts.service import Drafts
from modelpick_checkout.errors import UnknownSessionError
from modelpick_checkout.orders import repository
from modelpick_checkout.orders.gateway import PaymentGateway, SessionRequest, SessionState
from modelpick_checkout.orders.nudges import Nudges
from modelpick_checkout.orders.schemas import Payable, PaymentStatus, PaymentView
from modelpick_shared.contracts import PaymentSeen
from modelpick_shared.db import Database, Outbox
from modelpick_shared.db.customers import Draft, DraftImage
from modelpick_shared.db.payments import Order
from modelpick_shared.http import Problem
from modelpick_shared.http.problems import not_found
from modelpick_shared.http.sessions import SignedInUser
from modelpick_shared.ids import new_id

log = structlog.get_logger()

# Stripe takes sessions that live 30 minutes or longer, counted from when it hears of them.
ORDER_LIFETIME = timedelta(minutes=31)
SHORTEST_SESSION = timedelta(minutes=30, seconds=5)
REPORT_DEADLINE_S = 5.0
REPORT_POLL_S = 0.05
_SESSION_ID = re.compile(r"cs_\w{1,250}", re.ASCII)


class Orders:
    """From a ready draft to a paid order.

    Transactions begin and end here, as Stripe is asked between them: no lock is held while it answers.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        drafts: Drafts,
        gateway: PaymentGateway,
        *,
        site_url: str,
        price_cents: int,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._drafts = drafts
        self._gateway = gateway
        self._site_url = site_url
        self._price_cents = price_cents
        self._nudges = Nudges()

    async def pay_for(self, user: SignedInUser, draft_id: UUID) -> Payable:
        """Return where to pay for a ready draft: the open session if it has one. Answers 404 or 409."""
        order = await self._order_for(user, draft_id)
        if order.stripe_session_id is not None and order.expires_at <= datetime.now(UTC):
            await self._let_go(order)
            order = await self._order_for(user, draft_id)
        if order.stripe_session_id is not None and order.session_url is not None:
            return Payable(url=order.session_url, session_id=order.stripe_session_id)
        return await self._open_session(user, order)

    async def status(self, user_id: UUID, session_id: str) -> PaymentView:
        """Return how a customer's own payment stands, asking Stripe while the order is not settled."""
        order, report_id = await self._order_of(user_id, session_id)
        if report_id is not None:
            return _view(order, PaymentStatus.PAID, report_id)
        if order.status == "problem":
            return await self._problem(order)
        if order.status != "open":
            return _view(order, _SETTLED[order.status])
        state = await self._state(session_id)
        if state is SessionState.PAID:
            await self._tell_paid(session_id)
        if state is SessionState.EXPIRED:
            await self._close(order.id, "expired")
        return _view(order, _ASKED[state])

    async def cancel(self, user_id: UUID, session_id: str) -> PaymentView:
        """Give up a payment and unlock its draft; 409 when it is paid, or somebody is just paying."""
        order, _ = await self._order_of(user_id, session_id)
        if order.status == "open":
            await self._give_up(order)
        elif _SETTLED[order.status] is not PaymentStatus.EXPIRED:
            raise _already_paid()
        return _view(order, PaymentStatus.EXPIRED)

    async def cancel_for_draft(self, user_id: UUID, draft_id: UUID) -> None:
        """Give up the open payment of a customer's own draft, if there is one; 409 when it is paid."""
        async with self._database.transaction() as session:
            order = await repository.open_order_of(session, user_id, draft_id)
        if order is not None:
            await self._give_up(order)

    async def _order_for(self, user: SignedInUser, draft_id: UUID) -> Order:
        """Return the draft's open order, made now if there is none that Stripe would still take."""

        async def find_or_add(session: AsyncSession) -> Order:
            draft, images = await self._drafts.with_images(session, user.id, draft_id, lock=True)
            if draft.status == "paid":
                raise _already_paid()
            order = await repository.open_order_of(session, user.id, draft_id)
            if order is not None and not _too_late(order):
                return order
            self._refuse_unready(draft, images)
            if order is not None:
                await repository.close_order(session, order.id, "expired")
            order = self._new_order(draft, images)
            await repository.add_order(session, order)
            log.info("order.opened", order_id=str(order.id))
            return order

        return await self._drafts.transaction(self._database, find_or_add)

    def _refuse_unready(self, draft: Draft, images: Sequence[DraftImage]) -> None:
        if problems := self._drafts.problems(draft, images):
            errors = [problem.model_dump() for problem in problems]
            raise Problem(HTTPStatus.CONFLICT, "This draft is not ready to be paid for.", errors=errors)

    def _new_order(self, draft: Draft, images: Sequence[DraftImage]) -> Order:
        return Order(
            id=new_id(),
            user_id=draft.user_id,
            draft_id=draft.id,
            status="open",
            amount_cents=self._price_cents,
            currency="usd",
            snapshot=self._drafts.snapshot(draft, images).model_dump(mode="json"),
            expires_at=datetime.now(UTC) + ORDER_LIFETIME,
        )

    async def _open_session(self, user: SignedInUser, order: Order) -> Payable:
        opened = await self._gateway.create(self._request(user, order))
        async with self._database.transaction() as session:
            noted = await repository.give_session(session, order.id, opened.id, opened.url)
            if not noted and not await repository.still_open(session, order.id, opened.id):
                raise Problem(HTTPStatus.CONFLICT, "This payment was given up meanwhile. Please try again.")
            if noted and opened.state is SessionState.PAID:
                await self._outbox.add(session, PaymentSeen(session_id=opened.id))
        if opened.state is SessionState.PAID:
            await self._await_report(order.id)
        return Payable(url=opened.url or self._success_url(opened.id), session_id=opened.id)

    def _request(self, user: SignedInUser, order: Order) -> SessionRequest:
        return SessionRequest(
            order_id=order.id,
            draft_id=order.draft_id,
            user_id=order.user_id,
            email=user.email,
            amount_cents=order.amount_cents,
            currency=order.currency,
            expires_at=order.expires_at,
            success_url=self._success_url("{CHECKOUT_SESSION_ID}"),
            cancel_url=f"{self._site_url}/checkout/cancel?draft_id={order.draft_id}",
        )

    def _success_url(self, session_id: str) -> str:
        return f"{self._site_url}/checkout/success?session_id={session_id}"

    async def _await_report(self, order_id: UUID) -> None:
        """Wait until an order that was paid at once has its report; the success page waits on if need be."""
        give_up_at = time.monotonic() + REPORT_DEADLINE_S
        while time.monotonic() < give_up_at:
            async with self._database.transaction() as session:
                if await repository.report_of(session, order_id) is not None:
                    return
            await asyncio.sleep(REPORT_POLL_S)

    async def _order_of(self, user_id: UUID, session_id: str) -> tuple[Order, UUID | None]:
        if not _SESSION_ID.fullmatch(session_id):
            raise not_found()
        async with self._database.transaction() as session:
            order = await repository.order_of_session(session, user_id, session_id)
            if order is None:
                raise not_found()
            return order, await repository.report_of(session, order.id)

    async def _problem(self, order: Order) -> PaymentView:
        """Lead on from a payment that goes back: to the report if there is one, else to the draft."""
        async with self._database.transaction() as session:
            report_id = await repository.report_of_draft(session, order.draft_id)
        if report_id is not None:
            return _view(order, PaymentStatus.PAID, report_id)
        return _view(order, PaymentStatus.EXPIRED, returned=True)

    async def _let_go(self, order: Order) -> None:
        """End an order whose time is over, once Stripe agrees; 409 when it was paid after all."""
        assert order.stripe_session_id is not None  # noqa: S101 - the caller saw it
        state = await self._state(order.stripe_session_id)
        await self._refuse_paid(order.stripe_session_id, state)
        if state is SessionState.EXPIRED:
            await self._close(order.id, "expired")

    async def _give_up(self, order: Order) -> None:
        if order.stripe_session_id is not None:
            state = await self._expired(order.stripe_session_id)
            await self._refuse_paid(order.stripe_session_id, state)
            if state is SessionState.OPEN:
                raise _under_way()
        await self._close(order.id, "cancelled")

    async def _refuse_paid(self, session_id: str, state: SessionState) -> None:
        if state is SessionState.PAID:
            await self._tell_paid(session_id)
        if state in {SessionState.PAID, SessionState.PENDING}:
            raise _already_paid()

    async def _state(self, session_id: str) -> SessionState:
        try:
            return (await self._gateway.retrieve(session_id)).state
        except UnknownSessionError:
            return SessionState.EXPIRED

    async def _expired(self, session_id: str) -> SessionState:
        try:
            return (await self._gateway.expire(session_id)).state
        except UnknownSessionError:
            return SessionState.EXPIRED

    async def _tell_paid(self, session_id: str) -> None:
        if not self._nudges.due(session_id):
            return
        async with self._database.transaction() as session:
            await self._outbox.add(session, PaymentSeen(session_id=session_id))
        self._nudges.sent(session_id)

    async def _close(self, order_id: UUID, status: str) -> None:
        async with self._database.transaction() as session:
            await repository.close_order(session, order_id, status)


_ASKED = {
    SessionState.OPEN: PaymentStatus.OPEN,
    SessionState.PENDING: PaymentStatus.PROCESSING,
    SessionState.PAID: PaymentStatus.PROCESSING,
    SessionState.EXPIRED: PaymentStatus.EXPIRED,
}
# A payment with a problem goes back; it cannot be cancelled any more.
_SETTLED = {
    "paid": PaymentStatus.PROCESSING,
    "problem": PaymentStatus.PROCESSING,
    "expired": PaymentStatus.EXPIRED,
    "cancelled": PaymentStatus.EXPIRED,
}


def _too_late(order: Order) -> bool:
    """Say whether Stripe would refuse to open a session that ends with this order, as it is too near."""
    return order.stripe_session_id is None and order.expires_at - datetime.now(UTC) < SHORTEST_SESSION


def _already_paid() -> Problem:
    return Problem(HTTPStatus.CONFLICT, "This draft is already paid for.")


def _under_way() -> Problem:
    """Return what to answer while Stripe keeps a session open because somebody is paying in it."""
    detail = "A payment is under way, so that it cannot be given up now. Please try again in a moment."
    return Problem(HTTPStatus.CONFLICT, detail)


def _view(
    order: Order, status: PaymentStatus, report_id: UUID | None = None, *, returned: bool = False
) -> PaymentView:
    return PaymentView(status=status, report_id=report_id, draft_id=order.draft_id, returned=returned)
