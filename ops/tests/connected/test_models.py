import asyncio
import json
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI, Response
from typer.testing import CliRunner

from modelpick_ops.main import app
from modelpick_shared.catalog import load_catalog
from modelpick_shared.testing import eventually
from modelpick_simulators.openrouter.answers import FixedAnswerBook
from modelpick_simulators.openrouter.app import create_app
from modelpick_simulators.openrouter.settings import OpenRouterSettings

pytestmark = pytest.mark.connected

CATALOG_FILE = Path(str(resources.files("modelpick_shared.catalog") / "models.json"))


@pytest.fixture
async def serving():
    """Return a function that serves an application and gives its address."""
    running = []

    async def serve(application) -> str:
        config = uvicorn.Config(application, port=0, log_level="critical", timeout_graceful_shutdown=0)
        server = uvicorn.Server(config)
        running.append((server, asyncio.create_task(server.serve())))
        await eventually(lambda: server.started)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/api/v1"

    yield serve
    for server, task in running:
        server.should_exit = True
        await task


@pytest.fixture
def catalog_file(tmp_path):
    path = tmp_path / "models.json"
    path.write_text(CATALOG_FILE.read_text())
    return path


@pytest.fixture
def sync(monkeypatch, catalog_file, tmp_path):
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))

    async def run(address, *options):
        monkeypatch.setenv("OPENROUTER_BASE_URL", address)
        arguments = ["models", "sync", "--file", str(catalog_file), "--json", *options]
        return await asyncio.to_thread(CliRunner().invoke, app, arguments)

    return run


def changes_of(answer):
    return {(item["model"], item["field"]): item for item in json.loads(answer.stdout)["items"]}


async def simulated(serving):
    settings = OpenRouterSettings(simulator_port=1, simulator_models=CATALOG_FILE, openrouter_api_key="")
    return await serving(create_app(settings, FixedAnswerBook({})))


def answering(body, status=200):
    """Return a model API that answers every question about its models so."""
    api = FastAPI()

    @api.get("/api/v1/models")
    def models() -> Response:
        return Response(body, status, media_type="application/json")

    return api


def listing(*entries, **rest):
    """Return a model API that lists these models."""
    return answering(json.dumps({"data": entries} | rest))


def entry(model, **changes):
    fields = {
        "id": model.id,
        "context_length": model.context_length,
        "pricing": {
            "prompt": str(model.input_usd_per_1m / 1_000_000),
            "completion": str(model.output_usd_per_1m / 1_000_000),
        },
        "architecture": {"input_modalities": model.input_modalities},
        "supported_parameters": model.supports,
    }
    return fields | changes


async def test_what_the_model_api_says_alike_is_no_difference_of_price(serving, sync):
    answer = await sync(await simulated(serving), "--dry-run")
    assert answer.exit_code == 0, answer.stderr
    assert not {field for _, field in changes_of(answer) if field.endswith("usd_per_1m")}


async def test_differences_are_printed_and_written_with_our_own_fields_kept(serving, sync, catalog_file):
    model, gone, blind, bad, odd, *rest = load_catalog()
    dearer = {"prompt": str(model.input_usd_per_1m * 2 / 1_000_000), "completion": "0.000001"}
    address = await serving(
        listing(
            entry(
                model,
                pricing=dearer,
                context_length=5,
                expiration_date="2027-01-01",
                reasoning={"mandatory": False, "supported_efforts": ["minimal", "low"]},
            ),
            entry(blind, architecture={"input_modalities": ["text"]}),
            entry(bad, pricing={"prompt": "0.5", "completion": "-1"}, context_length=5),
            entry(odd, context_length=-1),
            {"id": "other/model"},
            *map(entry, rest),
        )
    )
    answer = await sync(address)
    changes = changes_of(answer)
    assert changes[model.id, "input_usd_per_1m"]["new"] == format(model.input_usd_per_1m * 2, "f")
    assert changes[gone.id, "id"]["note"] == "not offered any more"
    assert "no images" in changes[blind.id, "input_modalities"]["note"]
    assert "not a price" in changes[bad.id, "output_usd_per_1m"]["note"]
    assert "context_length" in changes[odd.id, "id"]["note"]
    assert changes[model.id, "expiration_date"]["note"] == "ends 2027-01-01"
    written = load_catalog(catalog_file)
    assert len(written) == 24
    assert written[model.id].input_usd_per_1m == model.input_usd_per_1m * 2
    assert written[model.id].max_input_usd_per_1m == model.max_input_usd_per_1m * 2
    assert written[model.id].output_usd_per_1m == Decimal(1)
    assert written[model.id].context_length == 5
    assert not written[model.id].reasoning_mandatory
    assert written[model.id].name == model.name
    for kept in (gone, blind, bad, odd):
        assert written[kept.id] == kept
    first = catalog_file.read_bytes()
    await sync(address)
    assert catalog_file.read_bytes() == first


async def test_a_dry_run_writes_nothing_and_gone_models_go_only_when_asked(serving, sync, catalog_file):
    before = catalog_file.read_bytes()
    model, *_ = load_catalog()
    address = await serving(listing(entry(model)))
    await sync(address, "--dry-run", "--remove-missing")
    assert catalog_file.read_bytes() == before
    await sync(address)
    assert len(load_catalog(catalog_file)) == 24
    await sync(address, "--remove-missing")
    assert [left.id for left in load_catalog(catalog_file)] == [model.id]


async def test_a_model_api_that_does_not_answer_is_a_failure_in_one_line(sync, catalog_file):
    before = catalog_file.read_bytes()
    answer = await sync("http://127.0.0.1:1/api/v1")
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert "cannot be reached" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert catalog_file.read_bytes() == before


@pytest.mark.parametrize(
    "api",
    [
        answering("no JSON"),
        answering("[]"),
        answering("{}"),
        answering('{"data": {}}'),
        answering('{"data": []}'),
        answering('{"error": {"code": 429}}', status=429),
        listing({"id": "a/b"}, links={"next": "/api/v1/models?offset=1"}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_failure_and_changes_nothing(
    serving, sync, catalog_file, api
):
    before = catalog_file.read_bytes()
    answer = await sync(await serving(api), "--remove-missing")
    assert answer.exit_code == 1
    assert len(answer.stderr.strip().splitlines()) == 1
    assert catalog_file.read_bytes() == before


async def test_a_catalogue_is_never_emptied(serving, sync, catalog_file):
    before = catalog_file.read_bytes()
    answer = await sync(await serving(listing({"id": "other/model"})), "--remove-missing")
    assert answer.exit_code == 1
    assert catalog_file.read_bytes() == before


async def test_what_a_running_systems_simulator_claims_is_shown_and_never_written(
    serving, monkeypatch, catalog_file, running_system
):
    before = catalog_file.read_bytes()
    model, *_ = load_catalog()
    running_system(OPENROUTER_BASE_URL=await serving(listing(entry(model, context_length=5))))
    for name in ("OPENROUTER_BASE_URL", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    arguments = ["models", "sync", "--file", str(catalog_file), "--remove-missing", "--json"]
    answer = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert answer.exit_code == 0
    assert changes_of(answer)[model.id, "context_length"]["new"] == 5
    assert "nothing is written" in answer.stderr
    assert catalog_file.read_bytes() == before


async def test_a_file_that_is_no_catalogue_is_a_usage_error(serving, sync, catalog_file):
    address = await serving(listing({"id": "other/model"}))
    catalog_file.write_text("[{}]")
    assert (await sync(address)).exit_code == 2
    catalog_file.unlink()
    assert (await sync(address)).exit_code == 2


def test_the_catalogue_is_listed():
    answer = CliRunner().invoke(app, ["models", "list", "--json"])
    assert len(json.loads(answer.stdout)["items"]) == 24
