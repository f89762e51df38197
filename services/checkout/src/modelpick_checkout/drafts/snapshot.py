from collections.abc import Sequence

from modelpick_checkout.drafts.data_policy import allows
from modelpick_shared.catalog import Catalog
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot, ModelSpec
from modelpick_shared.db.customers import Draft, DraftImage


def take_snapshot(
    draft: Draft, images: Sequence[DraftImage], catalog: Catalog, *, runs_per_image: int
) -> ConfigSnapshot:
    """Freeze a draft as its report will run it.

    Left out are models that are not on offer, and those that the data policy rules out.
    """
    return ConfigSnapshot(
        models=[model for model in _offered(draft, catalog) if allows(draft.data_policy, model)],
        images=[_image(image) for image in images],
        extraction_prompt=draft.extraction_prompt,
        json_schema=draft.json_schema,
        runs_per_image=runs_per_image,
        data_policy="no_training" if draft.data_policy == "no_training" else "any",
    )


def ruled_out_models(draft: Draft, catalog: Catalog) -> list[ModelSpec]:
    """Return the models of a draft that its data policy leaves out."""
    return [model for model in _offered(draft, catalog) if not allows(draft.data_policy, model)]


def _offered(draft: Draft, catalog: Catalog) -> list[ModelSpec]:
    return [catalog[model_id] for model_id in draft.selected_models if model_id in catalog]


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
