import asyncio
import secrets
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import update

from modelpick_reports.app import build
from modelpick_reports.settings import ReportsSettings
from modelpick_shared.db import Database
from modelpick_shared.db.grants import Role
from modelpick_shared.db.tables import BenchmarkRun, Report, ReportModel, UserSession
from modelpick_shared.http.serve import service_server
from modelpick_shared.http.sessions import SESSION_COOKIE, token_hash
from modelpick_shared.testing import config_snapshot, eventually, insert_report

NO_BROKER = "amqp://nobody:nothing@127.0.0.1:1/"


class World:
    """A database with reports in it, and the service over it."""

    def __init__(self, owners_url: str, url: str, image_folder) -> None:
        self.url = url
        self.image_folder = image_folder
        self.database = Database(owners_url, application="test")
        self.service_database = Database(url, application="test")

    def settings(self, broker_url=NO_BROKER) -> ReportsSettings:
        return ReportsSettings(
            database_url=self.url, rabbitmq_url=broker_url, image_store_url=f"file://{self.image_folder}"
        )

    async def a_report(self, *, planned=True, config=None, **columns) -> Report:
        config = config or config_snapshot(models=2, images=2, runs=2)
        async with self.database.transaction() as session:
            report = await insert_report(session, config, **({"status": "running"} | columns))
            if planned:
                session.add_all(_plan(report, config))
            return report

    async def a_run(self, report, model=0, image=0, run=0, **columns) -> None:
        values = {"outcome": "passed", "passed": True, "passed_relaxed": True, "field_diffs": []} | columns
        model_id = report.config_snapshot["models"][model]["id"]
        async with self.database.transaction() as session:
            session.add(
                BenchmarkRun(
                    report_id=report.id, model_id=model_id, image_index=image, run_index=run, **values
                )
            )

    async def change(self, report, **columns) -> None:
        async with self.database.transaction() as session:
            columns.setdefault("revision", Report.revision + 1)
            await session.execute(update(Report).where(Report.id == report.id).values(**columns))

    async def session_of(self, report) -> dict[str, str]:
        token = secrets.token_urlsafe()
        async with self.database.transaction() as session:
            session.add(
                UserSession(
                    token_hash=token_hash(token),
                    user_id=report.user_id,
                    expires_at=datetime.now(UTC) + timedelta(hours=1),
                )
            )
        return {SESSION_COOKIE: token}

    @asynccontextmanager
    async def serving(self, broker_url=NO_BROKER, **options):
        """Serve over a real socket; yield the server and its address."""
        server = service_server(build(self.settings(broker_url), **options), host="127.0.0.1", port=0)
        task = asyncio.create_task(server.serve())
        await eventually(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield server, f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task

    @asynccontextmanager
    async def client(self, report=None):
        """Serve, and yield a browser: of the report's owner, or of nobody."""
        cookies = await self.session_of(report) if report else None
        async with (
            self.serving() as (_, address),
            httpx.AsyncClient(base_url=address, cookies=cookies, timeout=30) as client,
        ):
            yield client


def _plan(report, config):
    runs = len(config.images) * config.runs_per_image
    return [
        ReportModel(report_id=report.id, model_id=model.id, position=position, total=runs)
        for position, model in enumerate(config.models)
    ]


@pytest.fixture
async def world(fresh_database_url, database_url_as, tmp_path):
    """Return a world whose owner prepares it, and whose service has its own role."""
    world = World(fresh_database_url, database_url_as(Role.REPORTS), tmp_path)
    async with world.database, world.service_database:
        yield world
