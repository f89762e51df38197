"""What every endpoint of the API does: check the key, fail when told to, answer once an idempotency key."""

import json
import secrets
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from modelpick_simulators.stripe.checkout import Cause
from modelpick_simulators.stripe.desk import Desk, the_desk
from modelpick_simulators.stripe.errors import StripeError, unknown_parameter
from modelpick_simulators.stripe.forms import as_list, decode_form
from modelpick_simulators.stripe.ids import new_id
from modelpick_simulators.stripe.objects import API_VERSION, JsonObject

UsesDesk = Annotated[Desk, Depends(the_desk)]


async def authorised(request: Request, desk: UsesDesk) -> None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not secrets.compare_digest(key.encode(), desk.secret_key.encode()):
        raise StripeError(f"Invalid API Key provided: {key[:7]}****{key[-4:]}", status=401)


async def in_order(request: Request, desk: UsesDesk) -> None:
    """Fail where the control interface asked for it."""
    desk.outage.meet(request.method, request.url.path)


def api_router() -> APIRouter:
    return APIRouter(prefix="/v1", dependencies=[Depends(authorised), Depends(in_order)])


async def once(
    request: Request, desk: Desk, operation: Callable[[dict[str, Any], Cause], JsonObject]
) -> Response:
    """Run a changing request, or replay what its idempotency key was first answered."""
    form = decode_form((await request.body()).decode())
    key, path = request.headers.get("Idempotency-Key"), request.url.path
    replayed = desk.idempotency.replay(key, path, form) if key else None
    if replayed is not None:
        headers = {"Idempotent-Replayed": "true", "Idempotency-Key": key or ""}
        return _raw_answer(replayed.body, headers, status=replayed.status)
    try:
        desk.outage.fail_for_good(path)
    except StripeError as failure:
        if key:
            desk.idempotency.store(key, path, form, _encoded(failure.body), status=failure.status)
        raise
    request_id = new_id("req", 14)
    body = _encoded(operation(dict(form), Cause(request_id, key)))
    if key:
        desk.idempotency.store(key, path, form, body)
    desk.outage.lose_answer(request.method, path)
    return _raw_answer(body, {"Request-Id": request_id} | ({"Idempotency-Key": key} if key else {}))


def answer(body: JsonObject) -> Response:
    return _raw_answer(_encoded(body), {})


def only_expand(form: dict[str, Any]) -> list[str]:
    for name in form:
        if name not in {"expand", "client_secret"}:
            raise unknown_parameter(name)
    return expand_paths(form)


def expand_paths(form: dict[str, Any]) -> list[str]:
    paths = as_list(form.get("expand", {}))
    if not isinstance(paths, list):
        raise StripeError("Invalid array", param="expand")
    return paths


def _raw_answer(body: bytes, headers: dict[str, str], *, status: int = 200) -> Response:
    every = {"Request-Id": new_id("req", 14), "Stripe-Version": API_VERSION}
    return Response(body, status, media_type="application/json", headers=every | headers)


def _encoded(body: JsonObject) -> bytes:
    return json.dumps(body, indent=2).encode()
