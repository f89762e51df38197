"""The work that all benchmarks measure: 24 models, ten images, three runs, and one answer."""

from decimal import Decimal
from typing import Any

from modelpick_shared.catalog import Catalog, load_catalog
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot

MODELS, IMAGES, RUNS, PER_MODEL = 24, 10, 3, 3
CALLS = MODELS * IMAGES * RUNS
IMAGE_BYTES = 200_000
ANSWER_LINES = 24
PROMPT = "Read the receipt and answer with JSON alone."


def an_answer(number: int = 0, *, wrong_at: int | None = None) -> dict[str, Any]:
    """Return a receipt of some 2 KB; `wrong_at` is the line whose price is off."""
    lines = [
        {
            "name": f"Article {line} of {number}",
            "quantity": line,
            "price": round(1.25 * line, 2),
            "tax": "19%",
        }
        for line in range(ANSWER_LINES)
    ]
    if wrong_at is not None:
        lines[wrong_at]["price"] = 0.01
    return {"merchant": f"Market {number}", "date": "2026-03-04", "currency": "EUR", "lines": lines}


ANSWER = an_answer()


def cost_usd(model: str) -> Decimal:
    """Return what one call of a model costs, in USD."""
    return Decimal(0) if model.endswith(":free") else Decimal("0.001")


def whole_catalog() -> Catalog:
    """Return the catalogue without its own limits: free models run one call at a time by rule."""
    return Catalog([model.model_copy(update={"max_concurrency": None}) for model in load_catalog()])


def config(images: int = IMAGES, *, image_bytes: int = IMAGE_BYTES) -> ConfigSnapshot:
    """Return a whole report's configuration; its images are called `image-0` and so on."""
    return ConfigSnapshot(
        models=list(whole_catalog()),
        images=[
            ImageSnapshot(
                key=f"image-{number}",
                sha256=f"{number:064x}",
                media_type="image/png",
                width=800,
                height=1000,
                bytes=image_bytes,
                expected=ANSWER,
            )
            for number in range(images)
        ],
        extraction_prompt=PROMPT,
        runs_per_image=RUNS,
    )


assert len(whole_catalog()) == MODELS  # noqa: S101 - the bounds are computed with it
