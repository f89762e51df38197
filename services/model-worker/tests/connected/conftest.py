import asyncio
import hashlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import httpx
import pytest
import uvicorn

from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import ImageRef, PriceCap, RequestParameters, RunRequested
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually
from modelpick_simulators.openrouter.answers import FixedAnswerBook
from modelpick_simulators.openrouter.app import create_app
from modelpick_simulators.openrouter.settings import OpenRouterSettings

IMAGE = b"\x89PNG pretend" * 100
SHA256 = hashlib.sha256(IMAGE).hexdigest()
CATALOG_FILE = resources.files("modelpick_shared.catalog") / "models.json"


class Simulator:
    """The running simulator, with its control API."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self._client = client

    async def script(self, mode: str, **options) -> None:
        (await self._client.post("/_control/script", json={"mode": mode} | options)).raise_for_status()

    async def journal(self) -> dict:
        return (await self._client.get("/_control/journal")).json()


@asynccontextmanager
async def serving(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=0))
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture
async def simulator():
    settings = OpenRouterSettings(
        simulator_port=1,
        simulator_models=Path(str(CATALOG_FILE)),
        openrouter_api_key="sk-or-test",
        simulator_latency_ms="20",
        simulator_rate_limit_share=0,
    )
    app = create_app(settings, FixedAnswerBook({SHA256: '{"total": 9.5}'}))
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
        simulator = Simulator(f"{url}/api/v1", client)
        await simulator.script("perfect")
        yield simulator


def a_run(**changes) -> RunRequested:
    model = next(model for model in load_catalog() if model.id == "openai/gpt-5-mini")
    now = datetime.now(UTC)
    fields = {
        "report_id": new_id(),
        "model_id": model.id,
        "image_index": 0,
        "run_index": 0,
        "attempt_token": new_id(),
        "lease_ends_at": now + timedelta(seconds=300),
        "deadline_at": now + timedelta(seconds=750),
        "parameters": RequestParameters(max_tokens=4096, response_format="json_object"),
        "prompt": "Read it.",
        "image": ImageRef(key="image", sha256=SHA256, media_type="image/png"),
        "price_cap": PriceCap(
            prompt_usd_per_1m=model.max_input_usd_per_1m, completion_usd_per_1m=model.max_output_usd_per_1m
        ),
    }
    return RunRequested(**(fields | changes))
