from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_checkout.drafts import repository
from modelpick_checkout.drafts.estimate import EstimateSettings, estimate
from modelpick_checkout.drafts.problems import expected_by_image, find_problems
from modelpick_checkout.drafts.schema_check import SchemaCheck
from modelpick_checkout.drafts.schema_inference import infer_schema
from modelpick_checkout.drafts.schemas import DraftPatch, DraftProblem, DraftView, Estimate, unpaid_status
from modelpick_checkout.drafts.snapshot import ruled_out_models, take_snapshot
from modelpick_checkout.limits import MAX_SCHEMA_BYTES
from modelpick_checkout.strict_json import size_bytes
from modelpick_shared.catalog import Catalog
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db import Database
from modelpick_shared.db.customers import Draft, DraftImage
from modelpick_shared.errors import TransientError
from modelpick_shared.http import Problem
from modelpick_shared.http.problems import not_found
from modelpick_shared.ids import new_id

DEFAULT_PROMPT = (
    "Extract the data in this image and return it as one JSON object.\n"
    "Copy text exactly as it is printed. Write numbers as JSON numbers, without currency signs or thousands "
    "separators, and dates as YYYY-MM-DD.\n"
    "Use null for a field that the image does not show. Return the JSON only: no explanation, no code fence."
)


# A draft asks for another check each time only while others change it again and again.
_MOST_TRIES = 5

T = TypeVar("T")


class _UncheckedError(Exception):
    """It is not known yet what is wrong with a draft's schema."""

    def __init__(
        self, user_id: UUID, schema: dict[str, JsonValue], expected: Mapping[int, JsonValue]
    ) -> None:
        super().__init__("the schema has not been checked")
        self.user_id = user_id
        self.schema = schema
        self.expected = expected


class Drafts:
    """What a customer prepares. It is locked while an order for it is open, and for good once it is paid.

    A hostile schema takes seconds to check. No connection is held and no draft locked meanwhile: what asks
    for a changed draft's problems runs in `transaction`, and is run again once they are known.
    """

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

    async def all_of(self, database: Database, user_id: UUID) -> list[DraftView]:
        async with database.transaction() as session:
            drafts = await repository.drafts_of(session, user_id)
            images = await repository.images_of(session, [draft.id for draft in drafts])
        return [await self._prepared_view(draft, images[draft.id]) for draft in drafts]

    async def view(self, database: Database, user_id: UUID, draft_id: UUID) -> DraftView:
        async with database.transaction() as session:
            draft, images = await self.with_images(session, user_id, draft_id)
        return await self._prepared_view(draft, images)

    async def transaction(self, database: Database, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Run what asks for a draft's problems in a transaction; again, when they had to be looked for."""
        for _ in range(_MOST_TRIES):
            try:
                async with database.transaction() as session:
                    return await work(session)
            except _UncheckedError as unchecked:
                await self._schema_check.prepare(unchecked.user_id, unchecked.schema, unchecked.expected)
        raise TransientError("a draft changes all the time")

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
        """Return what keeps a draft from being ready. Only in `transaction`, or once it is prepared."""
        expected = expected_by_image(images)
        if draft.json_schema is not None and not self._schema_check.knows(draft.json_schema, expected):
            raise _UncheckedError(draft.user_id, draft.json_schema, expected)
        return find_problems(draft, images, self._catalog, self._schema_check)

    async def with_images(
        self, session: AsyncSession, user_id: UUID, draft_id: UUID, *, lock: bool = False
    ) -> tuple[Draft, list[DraftImage]]:
        """Return a customer's own draft and its images, or answer 404."""
        draft = await repository.find_draft(session, user_id, draft_id, lock=lock)
        if draft is None:
            raise not_found()
        return draft, (await repository.images_of(session, [draft_id]))[draft_id]

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
        """Store a changed draft with the status that its content gives it. Only in `transaction`."""
        images = (await repository.images_of(session, [draft.id]))[draft.id]
        draft.status = unpaid_status(self.problems(draft, images))
        await repository.save(session, draft)
        return self._view(draft, images)

    async def _prepared_view(self, draft: Draft, images: list[DraftImage]) -> DraftView:
        if draft.json_schema is not None and draft.status != "paid":
            await self._schema_check.prepare(draft.user_id, draft.json_schema, expected_by_image(images))
        return self._view(draft, images)

    def _view(self, draft: Draft, images: list[DraftImage]) -> DraftView:
        problems = [] if draft.status == "paid" else self.problems(draft, images)
        return DraftView.of(draft, images, problems)
