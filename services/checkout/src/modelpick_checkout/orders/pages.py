"""`/checkout/success` and `/checkout/cancel`: where Stripe sends the customer back to."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from modelpick_checkout.dependencies import UsesOrders, UsesParts, existing_id
from modelpick_checkout.orders.schemas import PaymentStatus, PaymentView
from modelpick_checkout.request_body import small_form
from modelpick_shared.errors import TransientError
from modelpick_shared.http import Problem
from modelpick_shared.http.sessions import SESSION_COOKIE, SessionReader, SignedInUser

router = APIRouter(prefix="/checkout", default_response_class=Response)


async def visitor(request: Request) -> SignedInUser | None:
    """Return the signed-in user, if there is one: a page explains what an API refuses."""
    reader: SessionReader = request.app.state.sessions
    token = request.cookies.get(SESSION_COOKIE)
    return await reader.user_of(token) if token else None


Visitor = Annotated[SignedInUser | None, Depends(visitor)]
Text = Annotated[str, Query(max_length=200)]


@router.get("/success")
async def success(
    request: Request, parts: UsesParts, orders: UsesOrders, user: Visitor, session_id: Text = ""
) -> Response:
    if user is None:
        return parts.page(request, "sign_in_first.html", status=HTTPStatus.UNAUTHORIZED)
    try:
        payment = await orders.status(user.id, session_id)
    except TransientError:
        return parts.page(request, "waiting.html")
    except Problem as problem:
        return parts.page(request, "refused.html", {"detail": problem.detail}, status=problem.status)
    return _answer(request, parts, payment)


@router.get("/cancel")
async def cancel_page(request: Request, parts: UsesParts, user: Visitor, draft_id: Text = "") -> Response:
    if user is None:
        return parts.page(request, "sign_in_first.html", status=HTTPStatus.UNAUTHORIZED)
    return parts.page(request, "cancel.html", {"draft_id": draft_id})


@router.post("/cancel")
async def cancel(
    request: Request,
    parts: UsesParts,
    orders: UsesOrders,
    user: Visitor,
    form: Annotated[dict[str, str], Depends(small_form)],
) -> Response:
    if user is None:
        return parts.page(request, "sign_in_first.html", status=HTTPStatus.UNAUTHORIZED)
    try:
        draft_id = existing_id(form.get("draft_id", ""))
        await orders.cancel_for_draft(user.id, draft_id)
    except Problem as problem:
        return parts.page(request, "refused.html", {"detail": problem.detail}, status=problem.status)
    return RedirectResponse(f"/benchmark/new?draft={quote(str(draft_id))}", status_code=303)


def _answer(request: Request, parts: UsesParts, payment: PaymentView) -> Response:
    if payment.status is PaymentStatus.PAID:
        return RedirectResponse(f"/benchmark/{payment.report_id}/processing", status_code=303)
    if payment.returned:
        return parts.page(request, "returned.html", {"draft_id": str(payment.draft_id)})
    if payment.status is PaymentStatus.EXPIRED:
        return parts.page(request, "cancel.html", {"draft_id": str(payment.draft_id)})
    return parts.page(request, "waiting.html")
