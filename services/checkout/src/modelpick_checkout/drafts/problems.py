from collections.abc import Iterator, Sequence

from modelpick_checkout.drafts.schemas import DraftProblem
from modelpick_checkout.limits import MAX_IMAGES, MAX_MODELS
from modelpick_shared.catalog import Catalog
from modelpick_shared.db.customers import Draft, DraftImage


def find_problems(draft: Draft, images: Sequence[DraftImage], catalog: Catalog) -> list[DraftProblem]:
    """Return what keeps a draft from being ready; nothing when it can be paid for."""
    return [*_of_images(images), *_of_models(draft.selected_models, catalog), *_of_prompt(draft)]


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


def _of_models(model_ids: Sequence[str], catalog: Catalog) -> Iterator[DraftProblem]:
    if not model_ids:
        yield DraftProblem(pointer="/selected_models", detail="Pick at least one model.")
    if len(model_ids) > MAX_MODELS:
        yield DraftProblem(pointer="/selected_models", detail=f"At most {MAX_MODELS} models fit in.")
    for index, model_id in enumerate(model_ids):
        if model_id not in catalog:
            yield DraftProblem(pointer=f"/selected_models/{index}", detail="This model is not on offer.")


def _of_prompt(draft: Draft) -> Iterator[DraftProblem]:
    if not draft.extraction_prompt.strip():
        yield DraftProblem(pointer="/extraction_prompt", detail="Tell the models what to extract.")
