"""`modelpick models`: the catalogue, and bringing it up to date with the model API."""

import asyncio
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated

import httpx
import typer

from modelpick_ops.errors import fail
from modelpick_ops.printing import Json, show
from modelpick_ops.settings import optional
from modelpick_shared.catalog import Catalog, load_catalog
from modelpick_shared.catalog.sync import Change, RemoteModel, compare, write_catalog

app = typer.Typer(help="The catalogue of models on offer.", no_args_is_help=True)

BASE_URL = "https://openrouter.ai/api/v1"
TIMEOUT_S = 30.0


@app.command("list")
def list_models(*, as_json: Json = False) -> None:
    """List the models on offer; prices are USD per million tokens."""
    rows = [model.model_dump(mode="json") for model in load_catalog()]
    columns = ("id", "tier", "input_usd_per_1m", "output_usd_per_1m", "max_input_usd_per_1m")
    show(rows, (*columns, "max_output_usd_per_1m"), as_json=as_json)


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
    catalog = load_catalog(path)
    changes = compare(catalog, asyncio.run(_remote()))
    show([_row(change) for change in changes], ("model", "field", "old", "new", "note"), as_json=as_json)
    if not dry_run:
        write_catalog(path, _changed(catalog, changes, remove_missing=remove_missing))


def _changed(catalog: Catalog, changes: list[Change], *, remove_missing: bool) -> Catalog:
    models = {model.id: model for model in catalog}
    for change in changes:
        if change.gone and remove_missing:
            del models[change.model]
        elif change.update:
            models[change.model] = models[change.model].model_copy(update=change.update)
    return Catalog(list(models.values()))


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


async def _remote() -> dict[str, RemoteModel]:
    """Ask the model API for all its models. Ends with status 1 when it does not answer."""
    key = optional("OPENROUTER_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    base_url = optional("OPENROUTER_BASE_URL") or BASE_URL
    try:
        async with httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S) as client:
            answer = (await client.get(f"{base_url}/models")).raise_for_status()
            return RemoteModel.read_all(answer.content)
    except (httpx.HTTPError, ValueError) as error:
        fail(f"the model API at {base_url} does not list its models: {error.__class__.__name__}")
