import asyncio
import hashlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import httpx
import pytest
import uvicorn

from modelpick_model_worker.attempt import Limits, Means
from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.clock import Clock
from modelpick_model_worker.images import ImageAddresses
from modelpick_model_worker.key import KeyGuard
from modelpick_model_worker.openrouter import OpenRouterClient
from modelpick_model_worker.service import ModelRunner
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import ImageRef, PriceCap, RequestParameters, RunRequested
from modelpick_shared.ids import new_id
from modelpick_shared.images import open_image_store
from modelpick_shared.testing import eventually
from modelpick_simulators.openrouter.answers import FixedAnswerBook
from modelpick_simulators.openrouter.app import create_app
from modelpick_simulators.openrouter.settings import OpenRouterSettings

IMAGE = b"\x89PNG pretend" * 100
MODEL = "openai/gpt-5-mini"
FREE_MODEL = next(model.id for model in load_catalog() if model.tier == "free")
SHA256 = hashlib.sha256(IMAGE).hexdigest()
CATALOG_FILE = resources.files("modelpick_shared.catalog") / "models.json"


class Simulator:
    """The running simulator, with its control API."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self._client = client

    async def calls(self) -> list[dict]:
        return (await self.journal())["calls"]

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
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        simulator = Simulator(f"{url}/api/v1", client)
        await simulator.script("perfect")
        yield simulator


@pytest.fixture
async def images(tmp_path):
    store = open_image_store(f"file://{tmp_path}")
    await store.put("image", IMAGE)
    return ImageAddresses(store, "auto")


class Working:
    """A runner with its parts, and limits that a test can wait for."""

    def __init__(self, client, images, **limits) -> None:
        self.guard = KeyGuard(client, backoff=Backoff(0.05, 0.1))
        self.clock = Clock()
        backoff = Backoff(0.05, 0.2)
        means = Means(client, self.guard, self.clock, Limits(**({"max_retries": 2} | limits)), backoff)
        self.runner = ModelRunner(means, images.address_of, prefetches={MODEL: 3, FREE_MODEL: 1})

    def gate(self, model=MODEL):
        return self.runner._gates[model]


@pytest.fixture
async def client(simulator):
    async with OpenRouterClient(simulator.url, "sk-or-test", site_url="http://localhost") as client:
        yield client


@pytest.fixture
def working(client, images):
    return Working(client, images)


@pytest.fixture
def runner(working):
    return working.runner


def a_run(**changes) -> RunRequested:
    model = load_catalog()[changes.get("model_id", MODEL)]
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
