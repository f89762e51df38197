from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from modelpick_orchestrator.progress import ProgressFeed
from modelpick_orchestrator.service import Engine
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_shared.broker import Service
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import AttemptOutcome, Envelope, RunFinished, RunRequested
from modelpick_shared.db import Database, Outbox
from modelpick_shared.db.grants import Role
from modelpick_shared.db.tables import Attempt, BenchmarkRun, OutboxMessage, Report
from modelpick_shared.testing import config_snapshot, insert_report

PRICES = ("input_usd_per_1m", "output_usd_per_1m", "max_input_usd_per_1m", "max_output_usd_per_1m")


class NoPublisher:
    async def send(self, *_, **__) -> None: ...


class Bench:
    """An engine on a real database, with the worker's side played by hand."""

    def __init__(self, owners_url: str, url: str, **settings) -> None:
        self.url = url
        self.database = Database(owners_url, application="test", pool_size=42)
        self.service_database = Database(url, application="test", pool_size=42)
        self.engine = self.another_engine(**settings)

    def another_engine(self, **settings) -> Engine:
        chosen = OrchestratorSettings(database_url=self.url, rabbitmq_url="amqp://x", **settings)
        feed = ProgressFeed(NoPublisher())
        return Engine(self.service_database, Outbox(Service.ORCHESTRATOR), chosen, load_catalog(), feed)

    async def paid(self, *, ceiling="7.00", dearer=1, **shape):
        """Insert a paid report; `dearer` multiplies the prices of its models."""
        config = config_snapshot(**shape)
        models = [
            model.model_copy(update={name: getattr(model, name) * dearer for name in PRICES})
            for model in config.models
        ]
        async with self.database.transaction() as session:
            return await insert_report(
                session, config.model_copy(update={"models": models}), ceiling_usd=Decimal(ceiling)
            )

    async def started(self, **shape):
        """Insert a paid report and plan it; return it with the first requests."""
        report = await self.paid(**shape)
        await self.engine.plan(report.id)
        return report, await self.sent(RunRequested)

    async def execute(self, statement):
        async with self.database.transaction() as session:
            return await session.execute(statement)

    async def money(self, report_id):
        report = await self.report(report_id)
        return report.spent_usd, report.reserved_usd

    async def open_reservations(self):
        statement = select(func.coalesce(func.sum(Attempt.reserved_usd), 0)).where(
            Attempt.state.in_(("in_flight", "lapsed"))
        )
        return await self.scalar(statement)

    async def outcomes(self, report_id):
        statement = (
            select(BenchmarkRun.outcome, BenchmarkRun.unmeasured_reason, func.count())
            .where(BenchmarkRun.report_id == report_id)
            .group_by(BenchmarkRun.outcome, BenchmarkRun.unmeasured_reason)
        )
        return {row[:2]: row[2] for row in await self.execute(statement)}

    async def age(self, column, seconds):
        """Move a time into the past by so many seconds from now."""
        past = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        await self.execute(update(column.class_).values({column.key: past}))

    async def sent(self, message_type):
        statement = (
            select(OutboxMessage.body)
            .where(OutboxMessage.type == message_type.TYPE)
            .order_by(OutboxMessage.id)
        )
        async with self.database.transaction() as session:
            return [
                Envelope.model_validate_json(body).unwrap(message_type)
                for body in await session.scalars(statement)
            ]

    async def scalar(self, statement):
        async with self.database.transaction() as session:
            return (await session.execute(statement)).scalar_one()

    async def report(self, report_id):
        return await self.scalar(select(Report).where(Report.id == report_id))

    async def run_to_the_end(self, answer=None, rounds=200):
        """Answer every request until nothing new is asked."""
        answered: set = set()
        for _ in range(rounds):
            new = [run for run in await self.sent(RunRequested) if run.attempt_token not in answered]
            if not new:
                return
            answered |= {run.attempt_token for run in new}
            await self.engine.record([(answer or right)(run) for run in new])
        raise AssertionError("it does not end")


def right(run: RunRequested, **changes) -> RunFinished:
    fields = {
        "attempt_token": run.attempt_token,
        "outcome": AttemptOutcome.ANSWERED,
        "output": f'{{"total": {run.image_index}}}',
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "cost_usd": Decimal("0.001"),
        "latency_ms": 700,
        "provider": "Somebody",
    }
    return RunFinished(**run.job_key._asdict(), **(fields | changes))


@pytest.fixture
def bench_with(fresh_database_url, database_url_as):
    """Give what makes a bench with these settings: the owner looks on, the engine has its own role."""

    @asynccontextmanager
    async def make(**settings):
        bench = Bench(fresh_database_url, database_url_as(Role.ORCHESTRATOR), **settings)
        async with bench.database, bench.service_database:
            yield bench

    return make


@pytest.fixture
async def bench(bench_with):
    async with bench_with() as bench:
        yield bench
