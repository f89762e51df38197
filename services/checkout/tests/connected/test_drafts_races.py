"""What happens to a draft at the same time, on a real database."""

import asyncio

import pytest
from sqlalchemy import text

from modelpick_shared.catalog import load_catalog

pytestmark = pytest.mark.connected

MODELS = [model.id for model in load_catalog()]
TRIES = 5


async def snapshot_of(database, draft_id):
    statement = text("SELECT snapshot FROM orders WHERE draft_id = :draft_id AND status = 'open'")
    async with database.transaction() as session:
        return await session.scalar(statement, {"draft_id": draft_id})


async def test_a_change_at_the_same_time_as_checkout_is_in_the_order_or_refused(
    *, settings, served_at, sign_in, ready_draft, database
):
    async with served_at(settings.model_copy(update={"debug_mock_stripe": True})) as client:
        await sign_in(client)
        original = await ready_draft(client)
        drafts = [(await client.post(f"/api/drafts/{original['id']}/copy")).json() for _ in range(TRIES)]

        async def change_and_order(number, draft):
            change = {"extraction_prompt": f"Changed {number}.", "selected_models": [MODELS[number]]}
            changed, ordered = await asyncio.gather(
                client.patch(f"/api/drafts/{draft['id']}", json=change),
                client.post("/api/checkout", json={"draft_id": draft["id"]}),
            )
            assert ordered.status_code == 200, ordered.text
            assert changed.status_code in {200, 409}
            shown = (await client.get(f"/api/drafts/{draft['id']}")).json()
            sold = await snapshot_of(database, draft["id"])
            assert shown["extraction_prompt"] == sold["extraction_prompt"]
            assert shown["selected_models"] == [model["id"] for model in sold["models"]]
            assert (shown["extraction_prompt"] == change["extraction_prompt"]) == (changed.status_code == 200)

        # Each waits a while for a report, as nobody fulfils orders here.
        await asyncio.gather(*(change_and_order(*pair) for pair in enumerate(drafts)))


async def test_a_change_that_waits_for_checkout_sees_its_order(customer, ready_draft, database):
    """A change waits for a draft that an order is just being made of."""
    draft = await ready_draft(customer)
    async with database.transaction() as session:
        await session.execute(text("SELECT id FROM drafts FOR UPDATE"))
        change = asyncio.create_task(customer.patch(f"/api/drafts/{draft['id']}", json={"name": "New"}))
        removal = asyncio.create_task(customer.delete(f"/api/drafts/{draft['id']}"))
        await asyncio.wait([change, removal], timeout=0.2)
        await session.execute(
            text(
                "INSERT INTO orders (id, user_id, draft_id, status, amount_cents, currency, snapshot,"
                " expires_at) SELECT id, user_id, id, 'open', 1499, 'usd', '{}', now() + interval '1 h'"
                " FROM drafts"
            )
        )
    assert (await change).status_code == 409
    assert (await removal).status_code == 409


async def test_changes_at_once_are_all_kept(customer, ready_draft):
    draft = await ready_draft(customer)
    address = f"/api/drafts/{draft['id']}"
    for number in range(TRIES):
        changes = [
            {"name": f"Name {number}"},
            {"extraction_prompt": f"Prompt {number}"},
            {"selected_models": MODELS[: number + 1]},
            {"json_schema": {"type": "object", "description": str(number)}},
            {"data_policy": "no_training" if number % 2 else "any"},
        ]
        answers = await asyncio.gather(*(customer.patch(address, json=change) for change in changes))
        assert [answer.status_code for answer in answers] == [200] * len(changes)
        shown = (await customer.get(address)).json()
        assert {name: shown[name] for change in changes for name in change} == {
            name: value for change in changes for name, value in change.items()
        }


async def test_the_status_follows_the_last_of_changes_at_once(customer, ready_draft):
    draft = await ready_draft(customer)
    address = f"/api/drafts/{draft['id']}"
    for _ in range(TRIES):
        await asyncio.gather(
            customer.patch(address, json={"selected_models": []}),
            customer.patch(address, json={"selected_models": MODELS[:1]}),
            customer.patch(address, json={"extraction_prompt": ""}),
            customer.patch(address, json={"extraction_prompt": "Read it."}),
        )
        shown = (await customer.get(address)).json()
        assert shown["status"] == ("draft" if shown["problems"] else "ready")
        assert bool(shown["problems"]) == (not shown["selected_models"] or not shown["extraction_prompt"])


async def test_schemas_that_wait_for_their_check_hold_nothing(client, customer, ready_draft):
    """More of them than there are connections, on two drafts, which other changes reach meanwhile."""
    first = await ready_draft(customer)
    drafts = [first, (await customer.post(f"/api/drafts/{first['id']}/copy")).json()]
    slots = client._transport.app.state.parts.drafts._schema_check._slots
    await asyncio.gather(slots.acquire(), slots.acquire())

    def change(number):
        address = f"/api/drafts/{drafts[number % 2]['id']}"
        return asyncio.create_task(customer.patch(address, json={"json_schema": {"title": f"{number}"}}))

    changes = [change(number) for number in range(20)]
    try:
        for draft in drafts:
            renamed = await customer.patch(f"/api/drafts/{draft['id']}", json={"name": "Meanwhile"})
            assert renamed.status_code == 200
        assert (await customer.get("/api/me")).status_code == 200
        assert (await customer.get("/api/drafts")).status_code == 200
        assert not any(change.done() for change in changes)
    finally:
        slots.release()
        slots.release()
    assert {(await change).status_code for change in changes} == {200}


async def test_a_draft_that_is_paid_meanwhile_is_not_taken_back(customer, ready_draft, database):
    draft = await ready_draft(customer)
    async with database.transaction() as session:
        await session.execute(text("UPDATE drafts SET status = 'paid'"))
        change = asyncio.create_task(
            customer.patch(f"/api/drafts/{draft['id']}", json={"selected_models": []})
        )
        await asyncio.wait([change], timeout=0.2)
        assert not change.done()
    assert (await change).status_code == 409
    shown = (await customer.get(f"/api/drafts/{draft['id']}")).json()
    assert (shown["status"], shown["problems"]) == ("paid", [])
    assert shown["selected_models"] == draft["selected_models"]
