"""`modelpick models`: the catalogue, and bringing it up to date with the model API."""

from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, NamedTuple

import httpx
import typer

from modelpick_ops.errors import USAGE, fail, run
from modelpick_ops.printing import Json, show
from modelpick_ops.settings import given, of_running_system
from modelpick_shared.catalog import Catalog, load_catalog
from modelpick_shared.catalog.remote import Offer, read_offer
from modelpick_shared.catalog.sync import Change, changed, compare, write_catalog

app = typer.Typer(help="The catalogue of models on offer.", no_args_is_help=True)

BASE_URL = "https://openrouter.ai/api/v1"
TIMEOUT_S = 30.0
SPEC = (
    "id",
    "tier",
    "input_usd_per_1m",
    "output_usd_per_1m",
    "max_input_usd_per_1m",
    "max_output_usd_per_1m",
)


class _ModelApi(NamedTuple):
    """A simulator's claims are for tests: they must not get into the catalogue."""

    address: str
    key: str
    is_simulated: bool = False


@app.command("list")
def list_models(*, as_json: Json = False) -> None:
    """List the models on offer; prices are USD per million tokens, the `max` ones what we pay at most."""
    show([model.model_dump(mode="json") for model in load_catalog()], SPEC, as_json=as_json)


@app.command()
def sync(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the differences only.")] = False,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Drop models that are gone or read no images any more.")
    ] = False,
    file: Annotated[Path | None, typer.Option(help="The catalogue's data file.")] = None,
    as_json: Json = False,
) -> None:
    """Compare the catalogue with the model API's, and write the data file."""
    path = file or Path(str(resources.files("modelpick_shared.catalog") / "models.json"))
    catalog = _read(path)
    api = _model_api()
    changes = compare(catalog, run(_offer(api)))
    show([_row(change) for change in changes], ("model", "field", "old", "new", "note"), as_json=as_json)
    if api.is_simulated:
        typer.echo("compared with the running system's simulator, so nothing is written", err=True)
    elif not dry_run:
        _write(path, changed(catalog, changes, remove_missing=remove_missing))


def _read(path: Path) -> Catalog:
    try:
        return load_catalog(path)
    except (OSError, ValueError) as error:
        fail(f"{path} is not a catalogue: {error.__class__.__name__}", code=USAGE)


def _write(path: Path, catalog: Catalog) -> None:
    if not len(catalog):
        fail("no model would be left, so nothing is written")
    try:
        if write_catalog(path, catalog):
            typer.echo(f"wrote {path}", err=True)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")


def _row(change: Change) -> dict[str, object]:
    return {
        "model": change.model,
        "field": change.field,
        "old": _plain(change.old),
        "new": _plain(change.new),
        "note": change.note,
    }


def _plain(value: object) -> object:
    return format(value, "f") if isinstance(value, Decimal) else value


def _model_api() -> _ModelApi:
    """Return the model API that is set; else, as the services have it, a running system's simulator."""
    address, key = given("OPENROUTER_BASE_URL"), given("OPENROUTER_API_KEY")
    if address or key:
        return _ModelApi((address or BASE_URL).rstrip("/"), key)
    simulator = of_running_system("OPENROUTER_BASE_URL")
    return _ModelApi(simulator.rstrip("/") or BASE_URL, "", is_simulated=bool(simulator))


async def _offer(api: _ModelApi) -> Offer:
    """Ask the model API for all its models. Ends with status 1 when it does not answer with them."""
    headers = {"Authorization": f"Bearer {api.key}"} if api.key else {}
    try:
        async with httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S) as client:
            return read_offer((await client.get(f"{api.address}/models")).raise_for_status().content)
    except httpx.HTTPStatusError as error:
        fail(f"the model API at {api.address} answers with status {error.response.status_code}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fail(f"the model API at {api.address} cannot be reached: {error.__class__.__name__} {error}")
    except ValueError as error:
        fail(f"the model API at {api.address} gives an answer that is not understood: {error}")
