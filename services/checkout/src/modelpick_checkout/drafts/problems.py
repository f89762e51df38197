from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from modelpick_checkout.drafts.data_policy import allows
from modelpick_checkout.drafts.schema_check import SchemaCheck
from modelpick_checkout.drafts.schemas import DraftProblem
from modelpick_checkout.limits import MAX_IMAGES, MAX_MODELS
from modelpick_shared.catalog import Catalog
from modelpick_shared.db.customers import Draft, DraftImage


def find_problems(
    draft: Draft, images: Sequence[DraftImage], catalog: Catalog, schema_check: SchemaCheck
) -> list[DraftProblem]:
    """Return what keeps a draft from being ready; nothing when it can be paid for."""
    return [
        *_of_images(images),
        *_of_models(draft, catalog),
        *_of_prompt(draft),
        *_of_schema(draft, images, schema_check),
    ]


def expected_by_image(images: Sequence[DraftImage]) -> dict[int, JsonValue]:
    """Return the expected JSONs that were given, by the index of their image."""
    return {
        index: image.expected_json for index, image in enumerate(images) if image.expected_json is not None
    }


def _of_images(images: Sequence[DraftImage]) -> Iterator[DraftProblem]:
    if not images:
        yield DraftProblem(pointer="/images", detail="Upload at least one image.")
    if len(images) > MAX_IMAGES:
        yield DraftProblem(pointer="/images", detail=f"At most {MAX_IMAGES} images fit in.")
    for index, image in enumerate(images):
        if image.expected_json is None:
            yield DraftProblem(
                pointer=f"/images/{index}/expected_json", detail="Say what a perfect model would return."
            )


def _of_models(draft: Draft, catalog: Catalog) -> Iterator[DraftProblem]:
    model_ids = draft.selected_models
    if not model_ids:
        yield DraftProblem(pointer="/selected_models", detail="Pick at least one model.")
    if len(model_ids) > MAX_MODELS:
        yield DraftProblem(pointer="/selected_models", detail=f"At most {MAX_MODELS} models fit in.")
    for index, model_id in enumerate(model_ids):
        if model_id not in catalog:
            yield DraftProblem(pointer=f"/selected_models/{index}", detail="This model is not on offer.")
    offered = [catalog[model_id] for model_id in model_ids if model_id in catalog]
    if offered and not any(allows(draft.data_policy, model) for model in offered):
        yield DraftProblem(pointer="/data_policy", detail="It leaves none of the models that are picked.")


def _of_prompt(draft: Draft) -> Iterator[DraftProblem]:
    if not draft.extraction_prompt.strip():
        yield DraftProblem(pointer="/extraction_prompt", detail="Tell the models what to extract.")


def _of_schema(
    draft: Draft, images: Sequence[DraftImage], schema_check: SchemaCheck
) -> Sequence[DraftProblem]:
    if draft.json_schema is None:
        return ()
    return schema_check.problems(draft.json_schema, expected_by_image(images))
