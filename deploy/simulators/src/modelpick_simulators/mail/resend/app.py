"""The parts of this side, wired."""

import time
from collections.abc import Callable

import httpx

from modelpick_simulators.mail.mailbox import Mailbox
from modelpick_simulators.mail.resend.delivery import Deliverer
from modelpick_simulators.mail.resend.desk import Desk
from modelpick_simulators.mail.resend.emails import Outgoing
from modelpick_simulators.mail.resend.idempotency import IdempotencyKeys
from modelpick_simulators.mail.resend.limits import RateLimit
from modelpick_simulators.mail.settings import MailSettings


def new_desk(
    settings: MailSettings,
    mailbox: Mailbox,
    client: httpx.AsyncClient,
    *,
    clock: Callable[[], float] = time.time,
) -> Desk:
    """Build the desk; `clock` tells the time in seconds since 1970."""
    deliverer = Deliverer(
        client, url=settings.resend_webhook_url, secrets=settings.webhook_secrets, clock=clock
    )
    return Desk(
        Outgoing(mailbox),
        deliverer,
        IdempotencyKeys(clock),
        RateLimit(settings.resend_rate_limit, clock),
        settings.resend_api_key.get_secret_value(),
    )
