"""`/checkout/success` and `/checkout/cancel`: where Stripe sends the customer back to."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from modelpick_checkout.dependencies import Parts, UsesOrders, UsesParts, Visitor, existing_id
from modelpick_checkout.orders.schemas import PaymentStatus, PaymentView
from modelpick_checkout.sign_in.way_back import login_for
from modelpick_shared.errors import TransientError
from modelpick_shared.http import Problem
from modelpick_shared.http.request_body import small_form
from modelpick_shared.http.sessions import SignedInUser

router = APIRouter(prefix="/checkout", default_response_class=Response)

Text = Annotated[str, Query(max_length=200)]


@router.get("/success")
async def success(
    request: Request, parts: UsesParts, orders: UsesOrders, user: Visitor, session_id: Text = ""
) -> Response:
    if user is None:
        return _sign_in_first(request, parts, f"/checkout/success?session_id={quote(session_id)}")
    try:
        payment = await orders.status(user.id, session_id)
    except TransientError:
        return parts.page(request, "waiting.html", {"session_id": session_id}, visitor=user)
    except Problem as problem:
        return _refused(request, parts, user, problem)
    return _answer(request, parts, user, session_id, payment)


@router.get("/cancel")
async def cancel_page(request: Request, parts: UsesParts, user: Visitor, draft_id: Text = "") -> Response:
    if user is None:
        return _sign_in_first(request, parts, f"/checkout/cancel?draft_id={quote(draft_id)}")
    return parts.page(request, "cancel.html", {"draft_id": draft_id}, visitor=user)


@router.post("/cancel")
async def cancel(
    request: Request,
    parts: UsesParts,
    orders: UsesOrders,
    user: Visitor,
    form: Annotated[dict[str, str], Depends(small_form)],
) -> Response:
    if user is None:
        return _sign_in_first(request, parts, f"/checkout/cancel?draft_id={quote(form.get('draft_id', ''))}")
    try:
        draft_id = existing_id(form.get("draft_id", ""))
        await orders.cancel_for_draft(user.id, draft_id)
    except Problem as problem:
        return _refused(request, parts, user, problem)
    return RedirectResponse(f"/benchmark/new?draft={draft_id}&step=review", status_code=303)


def _sign_in_first(request: Request, parts: Parts, address: str) -> Response:
    values = {"login": login_for(address)}
    return parts.page(request, "sign_in_first.html", values, visitor=None, status=HTTPStatus.UNAUTHORIZED)


def _refused(request: Request, parts: Parts, user: SignedInUser, problem: Problem) -> Response:
    values = {"detail": problem.detail}
    return parts.page(request, "refused.html", values, visitor=user, status=problem.status)


def _answer(
    request: Request, parts: Parts, user: SignedInUser, session_id: str, payment: PaymentView
) -> Response:
    if payment.status is PaymentStatus.PAID:
        return RedirectResponse(f"/benchmark/{payment.report_id}/processing", status_code=303)
    if payment.returned:
        return parts.page(request, "returned.html", {"draft_id": str(payment.draft_id)}, visitor=user)
    if payment.status is PaymentStatus.EXPIRED:
        return parts.page(request, "cancel.html", {"draft_id": str(payment.draft_id)}, visitor=user)
    unpaid = {"draft_id": str(payment.draft_id)} if payment.status is PaymentStatus.OPEN else {}
    return parts.page(request, "waiting.html", {"session_id": session_id, **unpaid}, visitor=user)
