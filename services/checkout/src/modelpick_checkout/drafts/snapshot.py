from collections.abc import Sequence

from modelpick_shared.catalog import Catalog
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot
from modelpick_shared.db.customers import Draft, DraftImage


def take_snapshot(
    draft: Draft, images: Sequence[DraftImage], catalog: Catalog, *, runs_per_image: int
) -> ConfigSnapshot:
    """Freeze a draft as its report will run it; models that are not on offer are left out."""
    return ConfigSnapshot(
        models=[catalog[model_id] for model_id in draft.selected_models if model_id in catalog],
        images=[_image(image) for image in images],
        extraction_prompt=draft.extraction_prompt,
        json_schema=draft.json_schema,
        runs_per_image=runs_per_image,
        data_policy="no_training" if draft.data_policy == "no_training" else "any",
    )


def _image(image: DraftImage) -> ImageSnapshot:
    return ImageSnapshot(
        key=image.storage_key,
        sha256=image.sha256,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        bytes=image.bytes,
        expected=image.expected_json,
    )
