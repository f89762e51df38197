import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select, text, update

from modelpick_checkout.settings import CheckoutSettings
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db.payments import Order
from modelpick_shared.db.reports import Report
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

STRIPE_KEY = "sk_test_simulated"

# The client hands its encoded form to httpx in a way that httpx is about to give up.
pytestmark = [
    pytest.mark.connected,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture
async def customer(with_stripe, served_at, sign_in):
    async with served_at(with_stripe) as client:
        await sign_in(client)
        yield client


@pytest.fixture
async def draft(customer, ready_draft):
    return await ready_draft(customer)


@pytest.fixture
def orders(database):
    async def read():
        async with database.transaction() as session:
            return list(await session.scalars(select(Order).order_by(Order.id)))

    return read


@pytest.fixture
def fulfil(database):
    """Give what makes an order's report, as the webhook service does."""

    async def settle(order):
        async with database.transaction() as session:
            await session.execute(update(Order).where(Order.id == order.id).values(status="paid"))
            await session.execute(text("UPDATE drafts SET status = 'paid'"))
            report = Report(
                id=new_id(),
                user_id=order.user_id,
                draft_id=order.draft_id,
                order_id=order.id,
                stripe_session_id=order.stripe_session_id,
                email="ada@example.com",
                share_token=new_id().hex,
                config_snapshot=order.snapshot,
                total_jobs=6,
                ceiling_usd=Decimal(7),
            )
            session.add(report)
        return str(report.id)

    return settle


async def click(customer, draft):
    answer = await customer.post("/api/checkout", json={"draft_id": draft["id"]})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status_of(customer, paying):
    return (await customer.get(f"/api/checkout/sessions/{paying['session_id']}")).json()


async def test_a_ready_draft_becomes_an_order_with_a_session(customer, draft, orders):
    paying = await click(customer, draft)
    assert set(paying) == {"url", "session_id"}
    (order,) = await orders()
    assert (order.status, order.amount_cents, order.currency) == ("open", 1499, "usd")
    assert order.stripe_session_id == paying["session_id"]
    snapshot = ConfigSnapshot.model_validate(order.snapshot)
    assert snapshot.total_jobs == 6
    assert [model.id for model in snapshot.models] == draft["selected_models"]
    assert snapshot.images[0].expected == {"total": 12.5}
    assert await status_of(customer, paying) == {"status": "open", "draft_id": draft["id"]}


async def test_a_second_click_returns_the_same_session(customer, draft, orders):
    assert await click(customer, draft) == await click(customer, draft)
    assert len(await orders()) == 1


async def test_fifty_clicks_at_once_give_one_session(customer, draft, orders, stripe_address):
    answers = await asyncio.gather(*(click(customer, draft) for _ in range(50)))
    assert len({answer["session_id"] for answer in answers}) == 1
    assert len(await orders()) == 1
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {STRIPE_KEY}"}) as stripe:
        listed = (await stripe.get(f"{stripe_address}/v1/checkout/sessions")).json()
    assert len(listed["data"]) == 1


async def test_a_draft_that_is_not_ready_is_a_409_that_says_why(customer):
    draft = (await customer.post("/api/drafts")).json()
    refused = await customer.post("/api/checkout", json={"draft_id": draft["id"]})
    assert refused.status_code == 409
    assert refused.json()["errors"] == draft["problems"]


async def test_strangers_and_unknown_ids_are_refused(
    customer, *, draft, with_stripe, served_at, sign_in, ready_draft
):
    paying = await click(customer, draft)
    async with served_at(with_stripe) as stranger:
        assert (await stranger.post("/api/checkout", json={"draft_id": draft["id"]})).status_code == 401
        session = f"/api/checkout/sessions/{paying['session_id']}"
        assert (await stranger.get(session)).status_code == 401
        await sign_in(stranger, "eve@example.com")
        foreign = await stranger.post("/api/checkout", json={"draft_id": draft["id"]})
        missing = await stranger.post("/api/checkout", json={"draft_id": str(new_id())})
        no_id = await stranger.post("/api/checkout", json={"draft_id": "x"})
        assert foreign.status_code == 404
        assert foreign.json() == missing.json() == no_id.json()
        assert (await stranger.get(session)).status_code == 404
        assert (await stranger.post(f"{session}/cancel")).status_code == 404
        for unknown in ("cs_test_nothing", "%00", "x" * 5000):
            assert (await stranger.get(f"/api/checkout/sessions/{unknown}")).status_code == 404
    assert (await status_of(customer, paying))["status"] == "open"


async def test_a_paid_session_is_processing_until_the_report_is_there(
    customer, *, draft, orders, pay, sent, fulfil
):
    paying = await click(customer, draft)
    await pay(paying["url"])
    for _ in range(3):
        assert (await status_of(customer, paying))["status"] == "processing"
    (told,) = await sent("payment.seen")
    assert json.loads(told)["data"] == {"session_id": paying["session_id"]}
    report_id = await fulfil((await orders())[0])
    assert await status_of(customer, paying) == {
        "status": "paid",
        "report_id": report_id,
        "draft_id": draft["id"],
    }
    assert (await customer.post("/api/checkout", json={"draft_id": draft["id"]})).status_code == 409


async def test_a_cancelled_payment_unlocks_the_draft(customer, draft, orders):
    paying = await click(customer, draft)
    assert (await customer.patch(f"/api/drafts/{draft['id']}", json={"name": "B"})).status_code == 409
    cancel = f"/api/checkout/sessions/{paying['session_id']}/cancel"
    for _ in range(2):
        cancelled = await customer.post(cancel)
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "expired")
    assert (await customer.patch(f"/api/drafts/{draft['id']}", json={"name": "B"})).status_code == 200
    assert (await click(customer, draft))["session_id"] != paying["session_id"]
    assert [order.status for order in await orders()] == ["cancelled", "open"]


async def test_a_payment_that_was_made_cannot_be_cancelled(customer, draft, orders, pay, sent):
    paying = await click(customer, draft)
    await pay(paying["url"])
    refused = await customer.post(f"/api/checkout/sessions/{paying['session_id']}/cancel")
    assert refused.status_code == 409
    assert [order.status for order in await orders()] == ["open"]
    assert len(await sent("payment.seen")) == 1


async def test_a_payment_that_is_under_way_cannot_be_cancelled(customer, draft, orders, pay, stripe_address):
    paying = await click(customer, draft)
    async with httpx.AsyncClient(base_url=stripe_address) as stripe:
        # Stripe expires no session in which somebody is paying, and says meanwhile that it is open.
        path = f"/v1/checkout/sessions/{paying['session_id']}/expire"
        await stripe.put("/_control/api", json={"count": 2, "status": 400, "path": path})
    cancel = f"/api/checkout/sessions/{paying['session_id']}/cancel"
    refused = await customer.post(cancel)
    assert (refused.status_code, "under way" in refused.json()["detail"]) == (409, True)
    by_page = await customer.post("/checkout/cancel", data={"draft_id": draft["id"]})
    assert (by_page.status_code, "under way" in by_page.text) == (409, True)
    assert [order.status for order in await orders()] == ["open"]
    assert (await customer.delete(f"/api/drafts/{draft['id']}")).status_code == 409
    await pay(paying["url"])
    assert (await customer.post(cancel)).json()["detail"] == "This draft is already paid for."


async def age(database, **by):
    statement = update(Order).values(expires_at=datetime.now(UTC) - timedelta(**by))
    async with database.transaction() as session:
        await session.execute(statement)


async def expire_at_stripe(stripe_address, session_id):
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {STRIPE_KEY}"}) as stripe:
        await stripe.post(f"{stripe_address}/v1/checkout/sessions/{session_id}/expire")


async def test_a_click_after_the_session_has_expired_makes_a_new_order(
    customer, draft, orders, database, stripe_address
):
    paying = await click(customer, draft)
    await expire_at_stripe(stripe_address, paying["session_id"])
    await age(database, seconds=1)
    assert (await click(customer, draft))["session_id"] != paying["session_id"]
    assert [order.status for order in await orders()] == ["expired", "open"]


async def test_a_click_after_a_payment_that_nobody_told_of_is_a_409(customer, draft, database, pay, sent):
    paying = await click(customer, draft)
    await pay(paying["url"])
    await age(database, seconds=1)
    assert (await customer.post("/api/checkout", json={"draft_id": draft["id"]})).status_code == 409
    assert len(await sent("payment.seen")) == 1


async def test_a_session_that_expired_at_stripe_unlocks_the_draft(customer, draft, orders, stripe_address):
    paying = await click(customer, draft)
    await expire_at_stripe(stripe_address, paying["session_id"])
    assert (await status_of(customer, paying))["status"] == "expired"
    assert [order.status for order in await orders()] == ["expired"]
    assert (await customer.patch(f"/api/drafts/{draft['id']}", json={"name": "B"})).status_code == 200


async def forget_session(database):
    """Bring the order back to before Stripe had answered, as after a crash."""
    async with database.transaction() as session:
        await session.execute(update(Order).values(stripe_session_id=None, session_url=None))


async def test_after_a_crash_before_the_answer_was_stored_the_same_session_is_found(
    customer, draft, orders, database
):
    paying = await click(customer, draft)
    await forget_session(database)
    assert await click(customer, draft) == paying
    assert len(await orders()) == 1


async def test_an_order_that_stripe_never_heard_of_in_time_is_replaced(customer, draft, orders, database):
    paying = await click(customer, draft)
    await forget_session(database)
    await age(database, minutes=-29)
    assert (await click(customer, draft))["session_id"] != paying["session_id"]
    assert [order.status for order in await orders()] == ["expired", "open"]


async def test_while_stripe_is_away_the_click_is_a_503_and_the_order_waits(
    with_stripe, served_at, sign_in, ready_draft, orders
):
    async with served_at(with_stripe.model_copy(update={"stripe_api_base": "http://127.0.0.1:1"})) as client:
        await sign_in(client)
        draft = await ready_draft(client)
        refused = await client.post("/api/checkout", json={"draft_id": draft["id"]})
    assert refused.status_code == 503
    assert [order.status for order in await orders()] == ["open"]


async def test_without_a_key_paying_is_a_503(settings, served_at, sign_in, ready_draft, orders):
    async with served_at(settings) as client:
        await sign_in(client)
        draft = await ready_draft(client)
        assert (await client.post("/api/checkout", json={"draft_id": draft["id"]})).status_code == 503
    assert await orders() == []


async def test_the_mock_pays_at_once_and_waits_for_the_report(
    settings, *, served_at, sign_in, ready_draft, orders, sent, fulfil
):
    mocked = CheckoutSettings(
        _env_file=None, **settings.model_dump(exclude={"debug_mock_stripe"}), debug_mock_stripe=True
    )
    async with served_at(mocked) as client:
        await sign_in(client)
        draft = await ready_draft(client)
        paying = asyncio.create_task(click(client, draft))
        (told,) = await eventually(lambda: sent("payment.seen"))
        (order,) = await orders()
        assert not paying.done()
        report_id = await fulfil(order)
        started = time.monotonic()
        answer = await paying
        assert time.monotonic() - started < 2
        assert answer["session_id"] == f"cs_mock_{order.id.hex}" == json.loads(told)["data"]["session_id"]
        assert answer["url"] == f"http://shop.test/checkout/success?session_id={answer['session_id']}"
        assert (await status_of(client, answer))["report_id"] == report_id


async def test_the_success_page_waits_and_then_leads_to_the_report(customer, draft, orders, pay, fulfil):
    paying = await click(customer, draft)
    await pay(paying["url"])
    page = f"/checkout/success?session_id={paying['session_id']}"
    waiting = await customer.get(page)
    assert waiting.status_code == 200
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in waiting.text
    assert f'data-waiting="{paying["session_id"]}"' in waiting.text
    assert waiting.headers["cache-control"] == "no-store"
    report_id = await fulfil((await orders())[0])
    led = await customer.get(page)
    assert (led.status_code, led.headers["location"]) == (303, f"/benchmark/{report_id}/processing")


async def test_the_success_page_of_an_unpaid_session_leads_back(customer, draft):
    paying = await click(customer, draft)
    waiting = await customer.get(f"/checkout/success?session_id={paying['session_id']}")
    assert f'href="/checkout/cancel?draft_id={draft["id"]}"' in waiting.text


async def mark_problem(database):
    async with database.transaction() as session:
        await session.execute(update(Order).values(status="problem"))


async def test_a_payment_that_goes_back_says_so_and_leads_to_the_draft(customer, draft, database):
    paying = await click(customer, draft)
    await mark_problem(database)
    assert await status_of(customer, paying) == {"status": "expired", "draft_id": draft["id"]}
    page = await customer.get(f"/checkout/success?session_id={paying['session_id']}")
    assert page.status_code == 200
    assert "Your payment goes back to you" in page.text
    assert f"/benchmark/new?draft={draft['id']}" in page.text
    refused = await customer.post(f"/api/checkout/sessions/{paying['session_id']}/cancel")
    assert refused.status_code == 409
    assert (await click(customer, draft))["session_id"] != paying["session_id"]


async def test_a_second_payment_for_a_draft_leads_to_its_report(customer, draft, orders, fulfil, database):
    paying = await click(customer, draft)
    await mark_problem(database)
    await click(customer, draft)
    report_id = await fulfil((await orders())[1])
    assert (await status_of(customer, paying))["report_id"] == report_id


async def test_the_pages_ask_to_sign_in_first(customer, with_stripe, served_at):
    async with served_at(with_stripe) as visitor:
        for page in ("/checkout/success?session_id=cs_test_1", "/checkout/cancel?draft_id=x"):
            shown = await visitor.get(page)
            assert shown.status_code == 401
            assert f'href="/login?next={quote(page, safe="")}"' in shown.text


async def test_the_success_page_of_an_unknown_session_is_a_404_page(customer):
    shown = await customer.get("/checkout/success?session_id=<script>")
    assert shown.status_code == 404
    assert "<script>" not in shown.text
    assert shown.headers["content-type"].startswith("text/html")


async def test_the_cancel_page_gives_the_payment_up_on_a_click(customer, draft, orders):
    await click(customer, draft)
    page = f"/checkout/cancel?draft_id={draft['id']}"
    assert f'value="{draft["id"]}"' in (await customer.get(page)).text
    assert [order.status for order in await orders()] == ["open"]
    back = await customer.post("/checkout/cancel", data={"draft_id": draft["id"]})
    assert (back.status_code, back.headers["location"]) == (
        303,
        f"/benchmark/new?draft={draft['id']}&step=review",
    )
    assert [order.status for order in await orders()] == ["cancelled"]
    assert (await customer.post("/checkout/cancel", data={"draft_id": "x"})).status_code == 404
