"""What the routes of one running simulator share."""

from dataclasses import dataclass

from fastapi import Request

from modelpick_simulators.stripe.checkout import Checkout
from modelpick_simulators.stripe.delivery import Deliverer
from modelpick_simulators.stripe.idempotency import IdempotencyKeys
from modelpick_simulators.stripe.outage import Outage
from modelpick_simulators.stripe.refunds import Reversals
from modelpick_simulators.stripe.store import Store


@dataclass(frozen=True)
class Desk:
    store: Store
    checkout: Checkout
    deliverer: Deliverer
    idempotency: IdempotencyKeys
    secret_key: str
    reversals: Reversals
    outage: Outage


async def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
