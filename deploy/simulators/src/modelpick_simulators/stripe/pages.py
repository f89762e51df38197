"""What a person sees: the hosted pay page, and a front page with everything that happened."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response, status
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates

from modelpick_simulators.stripe.cards import DECLINES, GOOD_CARD, CardForm, CardRefusedError, entered_payment
from modelpick_simulators.stripe.checkout import DeclinedError, NotPayableError
from modelpick_simulators.stripe.desk import Desk, the_desk
from modelpick_simulators.stripe.entities import CheckoutSession

UsesDesk = Annotated[Desk, Depends(the_desk)]
SHOWN_DELIVERIES = 200


def pages_router() -> APIRouter:
    router = APIRouter(default_response_class=Response)
    router.get("/")(front_page)
    router.get("/c/pay/{session_id}")(pay_page)
    router.post("/c/pay/{session_id}")(pay)
    return router


async def front_page(request: Request, desk: UsesDesk) -> Response:
    desk.checkout.expire_what_is_due()
    shown = {
        "sessions": list(reversed(desk.store.sessions.values())),
        "deliveries": list(reversed(desk.store.deliveries))[:SHOWN_DELIVERIES],
        "webhook_url": desk.deliverer.url,
    }
    return _templates(request).TemplateResponse(request, "front.html", shown)


async def pay_page(session_id: str, request: Request, desk: UsesDesk) -> Response:
    return _page(request, desk.checkout.session(session_id))


async def pay(
    session_id: str,
    request: Request,
    desk: UsesDesk,
    entered: Annotated[CardForm, Form()],
) -> Response:
    session = desk.checkout.session(session_id)
    email = entered.email or session.parameters.customer_email or ""
    try:
        payment = entered_payment(email, entered, now=desk.checkout.clock())
        desk.checkout.pay(session_id, payment)
    except NotPayableError:
        return _page(request, session, status_code=status.HTTP_409_CONFLICT)
    except CardRefusedError as problem:
        return _page(request, session, str(problem), status_code=status.HTTP_400_BAD_REQUEST)
    except DeclinedError as problem:
        return _page(request, session, str(problem), status_code=status.HTTP_402_PAYMENT_REQUIRED)
    return RedirectResponse(session.success_url, status_code=status.HTTP_303_SEE_OTHER)


def page_templates() -> Jinja2Templates:
    templates = Jinja2Templates(Path(__file__).parent / "templates")
    templates.env.filters["money"] = lambda cents: f"{cents / 100:.2f}"
    templates.env.filters["moment"] = lambda at: datetime.fromtimestamp(at, UTC).strftime(
        "%Y-%m-%d %H:%M:%S UTC"
    )
    return templates


def _templates(request: Request) -> Jinja2Templates:
    templates: Jinja2Templates = request.app.state.templates
    return templates


def _page(
    request: Request, session: CheckoutSession, problem: str = "", *, status_code: int = 200
) -> Response:
    if session.status == "expired":
        status_code = status.HTTP_410_GONE
    shown = {
        "session": session,
        "problem": problem,
        "good_card": GOOD_CARD,
        "declined_cards": DECLINES,
    }
    return _templates(request).TemplateResponse(request, "pay.html", shown, status_code=status_code)
