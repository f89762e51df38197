import pytest

from modelpick_shared.broker import Service
from modelpick_shared.db import Outbox
from modelpick_shared.db.payments import Reconciliation
from modelpick_shared.ids import new_id
from modelpick_webhook.gateway import Lookups
from modelpick_webhook.intake import Intake
from modelpick_webhook.reconciliation import Reconciler
from modelpick_webhook.refunds import Refunds


@pytest.fixture
def reconciler_on(service_database, payments):
    """Give what compares with a Stripe."""

    def make(gateway):
        refunds = Refunds(service_database, Outbox(Service.WEBHOOK), gateway)
        return Reconciler(
            service_database,
            payments,
            Intake(service_database, payments),
            Lookups(gateway, None),
            gateway,
            refunds=refunds,
            interval_s=600,
        )

    return make


@pytest.fixture
def reconciler(reconciler_on, gateway):
    return reconciler_on(gateway)


@pytest.fixture
def compare(reconciler, database):
    """Give what compares because an operator asks, and returns what came of it."""

    async def run(by=reconciler):
        asked = Reconciliation(id=new_id())
        async with database.transaction() as session:
            session.add(asked)
        assert await by.compare_if_due()
        async with database.transaction() as session:
            return await session.get(Reconciliation, asked.id)

    return run
