from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_checkout.drafts import repository
from modelpick_checkout.drafts.estimate import EstimateSettings, estimate
from modelpick_checkout.drafts.problems import expected_by_image, find_problems
from modelpick_checkout.drafts.schema_check import SchemaCheck
from modelpick_checkout.drafts.schema_inference import infer_schema
from modelpick_checkout.drafts.schemas import DraftPatch, DraftProblem, DraftView, Estimate
from modelpick_checkout.drafts.snapshot import ruled_out_models, take_snapshot
from modelpick_checkout.limits import MAX_SCHEMA_BYTES
from modelpick_checkout.strict_json import size_bytes
from modelpick_shared.catalog import Catalog
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db.customers import Draft, DraftImage
from modelpick_shared.http import Problem
from modelpick_shared.http.problems import not_found
from modelpick_shared.ids import new_id

DEFAULT_PROMPT = (
    "Extract the data in this image and return it as one JSON object.\n"
    "Copy text exactly as it is printed. Write numbers as JSON numbers, without currency signs or thousands "
    "separators, and dates as YYYY-MM-DD.\n"
    "Use null for a field that the image does not show. Return the JSON only: no explanation, no code fence."
)


class Drafts:
    """What a customer prepares. It is locked while an order for it is open, and for good once it is paid."""

    def __init__(self, catalog: Catalog, settings: EstimateSettings, *, runs_per_image: int) -> None:
        self._catalog = catalog
        self._settings = settings
        self._runs_per_image = runs_per_image
        self._schema_check = SchemaCheck()

    async def create(self, session: AsyncSession, user_id: UUID, name: str) -> DraftView:
        draft = Draft(
            id=new_id(), user_id=user_id, name=name, extraction_prompt=DEFAULT_PROMPT, selected_models=[]
        )
        return await self.refreshed(session, draft)

    async def all_of(self, session: AsyncSession, user_id: UUID) -> list[DraftView]:
        drafts = await repository.drafts_of(session, user_id)
        images = await repository.images_of(session, [draft.id for draft in drafts])
        for draft in drafts:
            await self._prepare(draft, images[draft.id])
        return [self._view(draft, images[draft.id]) for draft in drafts]

    async def view(self, session: AsyncSession, user_id: UUID, draft_id: UUID) -> DraftView:
        return self._view(*await self.with_images(session, user_id, draft_id))

    async def change(
        self, session: AsyncSession, user_id: UUID, draft_id: UUID, patch: DraftPatch
    ) -> DraftView:
        draft = await self.editable(session, user_id, draft_id)
        for name, value in patch.changes().items():
            setattr(draft, name, value)
        return await self.refreshed(session, draft)

    async def delete(self, session: AsyncSession, user_id: UUID, draft_id: UUID) -> list[str]:
        """Delete a draft; return the storage keys of its images, which are to go with it."""
        draft = await self.editable(session, user_id, draft_id)
        images = (await repository.images_of(session, [draft_id]))[draft_id]
        await session.delete(draft)
        return [image.storage_key for image in images]

    async def infer_schema(self, session: AsyncSession, user_id: UUID, draft_id: UUID) -> dict[str, object]:
        _, images = await self.with_images(session, user_id, draft_id)
        examples = [image.expected_json for image in images if image.expected_json is not None]
        if not examples:
            problem = {"pointer": "/images", "detail": "No image has its expected JSON yet."}
            raise Problem(422, "There is nothing to infer a schema from.", errors=[problem])
        schema = infer_schema(examples)
        if size_bytes(schema) > MAX_SCHEMA_BYTES:
            raise Problem(
                422, f"The expected JSONs differ so much that no schema of {MAX_SCHEMA_BYTES} bytes fits."
            )
        return dict(schema)

    async def estimate(self, session: AsyncSession, user_id: UUID, draft_id: UUID) -> Estimate:
        draft, images = await self.with_images(session, user_id, draft_id)
        config = self.snapshot(draft, images)
        return estimate(config, self._settings, ruled_out_models(draft, self._catalog))

    def snapshot(self, draft: Draft, images: Sequence[DraftImage]) -> ConfigSnapshot:
        return take_snapshot(draft, images, self._catalog, runs_per_image=self._runs_per_image)

    def problems(self, draft: Draft, images: Sequence[DraftImage]) -> list[DraftProblem]:
        return find_problems(draft, images, self._catalog, self._schema_check)

    async def with_images(
        self, session: AsyncSession, user_id: UUID, draft_id: UUID, *, lock: bool = False
    ) -> tuple[Draft, list[DraftImage]]:
        """Return a customer's own draft and its images, or answer 404."""
        draft = await repository.find_draft(session, user_id, draft_id, lock=lock)
        if draft is None:
            raise not_found()
        images = (await repository.images_of(session, [draft_id]))[draft_id]
        await self._prepare(draft, images)
        return draft, images

    async def editable(self, session: AsyncSession, user_id: UUID, draft_id: UUID) -> Draft:
        """Lock a customer's own draft for a change, or answer 404, or 409 while it must not change."""
        draft = await repository.find_draft(session, user_id, draft_id, lock=True)
        if draft is None:
            raise not_found()
        if draft.status == "paid":
            raise Problem(HTTPStatus.CONFLICT, "This draft is paid for. Copy it to change it.")
        if await repository.has_open_order(session, draft_id):
            raise Problem(HTTPStatus.CONFLICT, "This draft is being paid for. Cancel the payment first.")
        return draft

    async def refreshed(self, session: AsyncSession, draft: Draft) -> DraftView:
        """Store a changed draft with the status that its content gives it."""
        images = (await repository.images_of(session, [draft.id]))[draft.id]
        await self._prepare(draft, images)
        draft.status = "draft" if self.problems(draft, images) else "ready"
        await repository.save(session, draft)
        return self._view(draft, images)

    async def _prepare(self, draft: Draft, images: Sequence[DraftImage]) -> None:
        """Let `problems` answer at once."""
        if draft.json_schema is not None and draft.status != "paid":
            await self._schema_check.prepare(draft.json_schema, expected_by_image(images))

    def _view(self, draft: Draft, images: list[DraftImage]) -> DraftView:
        problems = [] if draft.status == "paid" else self.problems(draft, images)
        return DraftView.of(draft, images, problems)
