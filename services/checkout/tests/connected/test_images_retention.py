"""Files go with what named them: surely, whatever crashes, and never while an order or report needs them."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from modelpick_checkout.errors import UnfinishedUploadError
from modelpick_checkout.images import deletions as deleting
from modelpick_checkout.images.deletions import Deletions
from modelpick_shared.db.tables import Draft, DraftImage, ImageDeletion, Order, Report
from modelpick_shared.housekeeping.images import ReportImages, UnpaidDrafts
from modelpick_shared.ids import new_id
from modelpick_shared.images import ImageStoreError, open_image_store
from modelpick_shared.testing import an_order_for, config_snapshot

pytestmark = pytest.mark.connected

DAY = timedelta(days=1)


class BrokenStore:
    """A store that does not answer."""

    async def delete(self, keys):
        raise ImageStoreError("down")


@pytest.fixture
def folder(tmp_path):
    """Return what lists the files of the store."""
    return lambda: {path.name for path in (tmp_path / "images").iterdir() if path.is_file()}


@pytest.fixture
def deletions(service_database, settings):
    return Deletions(service_database, open_image_store(settings.image_store_url))


class Retention:
    """What two processes do together: housekeeping notes which files are to go, checkout removes them."""

    def __init__(self, database, deletions):
        self.chores = [ReportImages(database, 90 * DAY), UnpaidDrafts(database, 180 * DAY)]
        self.deletions = deletions

    async def once(self):
        for chore in self.chores:
            await chore.remove()
        await self.deletions.sweep_all()


@pytest.fixture
def retention(database, deletions):
    return Retention(database, deletions)


@pytest.fixture
def noted(database):
    """Give what reads which files are to go."""

    async def read():
        async with database.transaction() as session:
            return set(await session.scalars(select(ImageDeletion.storage_key)))

    return read


@pytest.fixture
def age(database):
    """Give what makes rows of a table so much older."""

    async def change(table, by, *columns):
        values = {column: getattr(table, column) - by for column in columns}
        async with database.transaction() as session:
            await session.execute(update(table).values(values))

    return change


@pytest.fixture
def ordered(database):
    """Give what orders a draft as it is, and makes a report of the order if it is paid."""

    async def order(draft, *, status="paid", report="complete"):
        async with database.transaction() as session:
            row = await session.get_one(Draft, draft["id"])
            images = await session.scalars(select(DraftImage).where(DraftImage.draft_id == row.id))
            config = config_snapshot(models=1, images=1)
            pictures = [config.images[0].model_copy(update={"key": image.storage_key}) for image in images]
            config = config.model_copy(update={"images": pictures})
            order = an_order_for(row.user_id, row.id, config)
            order.status = status
            session.add(order)
            await session.flush()
            if report:
                row.status = "paid"
                session.add(report_of(order, config, report))

    return order


def report_of(order, config, status):
    return Report(
        id=new_id(),
        user_id=order.user_id,
        draft_id=order.draft_id,
        order_id=order.id,
        stripe_session_id=order.stripe_session_id,
        email="ada@example.com",
        status=status,
        config_snapshot=config.model_dump(mode="json"),
        total_jobs=config.total_jobs,
        ceiling_usd=7,
        completed_at=func.now(),
    )


async def delete_draft_rows(database, deletions, draft):
    """Delete a draft as a service does that dies before it removes the files."""
    async with database.transaction() as session:
        row = await session.get_one(Draft, draft["id"])
        keys = await session.scalars(select(DraftImage.storage_key).where(DraftImage.draft_id == row.id))
        await deletions.remove(session, row.id, keys)
        await session.delete(row)


async def test_a_deleted_draft_takes_its_files_along(customer, ready_draft, folder, noted):
    draft = await ready_draft(customer)
    assert len(folder()) == 1
    assert (await customer.delete(f"/api/drafts/{draft['id']}")).status_code == 204
    assert folder() == await noted() == set()


async def test_a_deleted_image_takes_its_file_along(customer, ready_draft, folder, noted):
    draft = await ready_draft(customer)
    address = f"/api/drafts/{draft['id']}/images/{draft['images'][0]['id']}"
    assert (await customer.delete(address)).status_code == 204
    assert folder() == await noted() == set()


async def test_files_go_also_when_the_service_dies_right_after_the_commit(
    customer, ready_draft, database, deletions, retention, folder, noted
):
    await delete_draft_rows(database, deletions, await ready_draft(customer))
    assert folder() == await noted() != set()
    await retention.once()
    assert folder() == await noted() == set()


async def test_a_store_that_is_down_is_asked_again(
    customer, ready_draft, database, service_database, deletions, *, age, folder, noted
):
    await delete_draft_rows(database, deletions, await ready_draft(customer))
    assert await Deletions(service_database, BrokenStore()).sweep() == 1
    assert await deletions.sweep() == 0
    assert folder() == await noted() != set()
    await age(ImageDeletion, deleting.STORE_DOWN, "due_at")
    assert await deletions.sweep() == 1
    assert folder() == await noted() == set()


async def test_removing_twice_and_at_once_does_no_harm(
    customer, ready_draft, database, deletions, retention, folder, noted
):
    draft = await ready_draft(customer)
    await delete_draft_rows(database, deletions, draft)
    (key,) = folder()
    await asyncio.gather(*(retention.once() for _ in range(4)))
    assert folder() == set()
    async with database.transaction() as session:
        await deletions.remove(session, draft["id"], [key])
        await deletions.remove(session, draft["id"], [key])
    await retention.once()
    assert await noted() == set()


async def test_a_file_whose_upload_died_goes_in_time(deletions, settings, age, folder, noted):
    await deletions.expect(new_id(), ["unfinished"])
    await open_image_store(settings.image_store_url).put("unfinished", b"x")
    assert await deletions.sweep() == 0
    assert folder() == {"unfinished"}
    await age(ImageDeletion, deleting.UNFINISHED, "due_at")
    assert await deletions.sweep() == 1
    assert folder() == await noted() == set()


async def test_an_upload_that_took_too_long_is_refused_rather_than_without_its_file(database, deletions, age):
    await deletions.expect(new_id(), ["slow"])
    await age(ImageDeletion, deleting.UNFINISHED, "due_at")
    await deletions.sweep()
    with pytest.raises(UnfinishedUploadError):
        async with database.transaction() as session:
            await deletions.keep(session, ["slow"])


async def test_a_file_that_a_row_names_is_never_removed(customer, ready_draft, database, deletions, folder):
    draft = await ready_draft(customer)
    async with database.transaction() as session:
        await deletions.remove(session, draft["id"], folder())
    await deletions.sweep()
    served = await customer.get(draft["images"][0]["url"])
    assert served.status_code == 200


async def test_a_report_keeps_the_files_of_a_draft_that_is_gone(
    customer, ready_draft, ordered, database, deletions, retention, age, folder, noted
):
    draft = await ready_draft(customer)
    await ordered(draft)
    await delete_draft_rows(database, deletions, draft)
    await retention.once()
    assert len(folder()) == 1
    assert await noted() == set()
    await age(Report, 91 * DAY, "created_at", "completed_at")
    await retention.once()
    assert folder() == await noted() == set()


@pytest.mark.parametrize("status", ["open", "cancelled", "expired"])
async def test_files_wait_while_an_order_may_still_be_paid(
    customer, ready_draft, ordered, database, deletions, retention, age, folder, noted, status
):
    draft = await ready_draft(customer)
    await ordered(draft, status=status, report=None)
    await delete_draft_rows(database, deletions, draft)
    await retention.once()
    assert folder() == await noted() != set()
    async with database.transaction() as session:
        await session.execute(update(Order).values(status="expired", settled_at=func.now()))
    await age(ImageDeletion, deleting.ASK_AGAIN, "due_at")
    await retention.once()
    assert folder() == await noted() == set()


async def test_an_order_that_nobody_settles_keeps_files_for_a_week(
    customer, ready_draft, ordered, database, deletions, retention, age, folder
):
    draft = await ready_draft(customer)
    await ordered(draft, status="cancelled", report=None)
    await age(Order, 8 * DAY, "created_at")
    await delete_draft_rows(database, deletions, draft)
    await retention.once()
    assert folder() == set()


async def test_images_of_a_report_go_after_90_days_and_the_report_says_so(
    customer, ready_draft, ordered, retention, database, age, folder
):
    draft = await ready_draft(customer)
    await ordered(draft)
    await age(Report, 89 * DAY, "created_at", "completed_at")
    await retention.once()
    assert len(folder()) == 1
    await age(Report, 2 * DAY, "created_at", "completed_at")
    await asyncio.gather(retention.once(), retention.once())
    assert folder() == set()
    async with database.transaction() as session:
        removed_at = await session.scalar(select(Report.images_removed_at))
    assert removed_at is not None
    await retention.once()
    async with database.transaction() as session:
        assert await session.scalar(select(Report.images_removed_at)) == removed_at
    assert (await customer.get(f"/api/drafts/{draft['id']}")).json()["images"] == []
    assert (await customer.get(draft["images"][0]["url"])).status_code == 404
    copied = await customer.post(f"/api/drafts/{draft['id']}/copy")
    assert (copied.status_code, copied.json()["images"]) == (201, [])


@pytest.mark.parametrize("status", ["paid", "running"])
async def test_a_report_that_has_not_ended_keeps_its_images(
    customer, ready_draft, ordered, retention, age, folder, status
):
    await ordered(await ready_draft(customer), report=status)
    await age(Report, 200 * DAY, "created_at", "completed_at")
    await retention.once()
    assert len(folder()) == 1


async def test_a_copy_keeps_its_files_when_those_of_its_source_go(
    customer, ready_draft, ordered, retention, age, folder
):
    draft = await ready_draft(customer)
    await ordered(draft)
    copied = (await customer.post(f"/api/drafts/{draft['id']}/copy")).json()
    assert len(folder()) == 2
    await age(Report, 91 * DAY, "created_at", "completed_at")
    await retention.once()
    assert len(folder()) == 1
    assert (await customer.get(copied["images"][0]["url"])).status_code == 200


async def test_a_draft_that_nobody_pays_for_goes_after_180_days(
    customer, ready_draft, retention, age, folder, noted
):
    draft = await ready_draft(customer)
    await age(Draft, 179 * DAY, "updated_at")
    await retention.once()
    assert (await customer.get(f"/api/drafts/{draft['id']}")).status_code == 200
    await age(Draft, 2 * DAY, "updated_at")
    await asyncio.gather(retention.once(), retention.once())
    assert (await customer.get(f"/api/drafts/{draft['id']}")).status_code == 404
    assert folder() == await noted() == set()


@pytest.mark.parametrize(("status", "report"), [("paid", "complete"), ("open", None)])
async def test_a_draft_that_is_paid_or_being_paid_stays(
    customer, ready_draft, ordered, retention, age, status, report
):
    draft = await ready_draft(customer)
    await ordered(draft, status=status, report=report)
    await age(Draft, 400 * DAY, "updated_at")
    await retention.once()
    assert (await customer.get(f"/api/drafts/{draft['id']}")).status_code == 200


async def test_a_draft_whose_files_are_missing_is_not_copied_without_a_word(customer, ready_draft, tmp_path):
    draft = await ready_draft(customer)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    copied = await customer.post(f"/api/drafts/{draft['id']}/copy")
    assert copied.status_code == 409
    assert len((await customer.get("/api/drafts")).json()["items"]) == 1
