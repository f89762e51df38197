"""What the routes of one running simulator share."""

from dataclasses import dataclass, field

from fastapi import Request

from modelpick_simulators.mail.resend.delivery import Deliverer
from modelpick_simulators.mail.resend.emails import AcceptedEmail, Outgoing
from modelpick_simulators.mail.resend.events import event_of, fate_of
from modelpick_simulators.mail.resend.faults import Fault
from modelpick_simulators.mail.resend.idempotency import IdempotencyKeys
from modelpick_simulators.mail.resend.limits import RateLimit


@dataclass
class Desk:
    outgoing: Outgoing
    deliverer: Deliverer
    idempotency: IdempotencyKeys
    rate_limit: RateLimit
    api_key: str
    fault: Fault = field(default_factory=Fault)

    def tell_of(self, email: AcceptedEmail) -> None:
        """Send the events that a new mail leads to."""
        for event_type in fate_of(email):
            self.deliverer.submit(event_of(email, event_type))


async def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.resend
    return desk
