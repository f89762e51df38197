"""A visitor signs in, uploads, pays, watches, gets mail, and opens the report that others can open too."""

import csv
import hashlib
import io

import pytest

from modelpick_local.demo.customer import READY_SUBJECT
from modelpick_local.demo.samples import sample_uploads

pytestmark = pytest.mark.e2e

JOBS = 6 * 4 * 3


async def test_the_visitor_is_signed_in_under_the_address_that_the_link_was_mailed_to(story):
    me = (await story.customer.client.get("/api/me")).json()

    assert me["email"] == "ada@example.com"
    assert set(me) == {"id", "email"}


async def test_a_sign_in_link_works_once(story, raw):
    link = next(mail for mail in story.mails if "Sign in" in mail.subject)
    token = link.text.split("token=")[1].split()[0]

    answer = await raw("POST", "/api/auth/verify", json={"token": token})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_the_draft_was_ready_and_is_paid(story):
    draft = (await story.customer.client.get(f"/api/drafts/{story.draft.id}")).json()

    assert story.draft.status == "ready"
    assert draft["status"] == "paid"
    assert draft["selected_models"] == story.models


async def test_the_inferred_schema_knows_the_line_items(story):
    properties = story.schema["properties"]

    assert properties["line_items"]["type"] == "array"
    assert set(properties["line_items"]["items"]["properties"]) == {
        "description",
        "quantity",
        "unit_price",
        "amount",
    }


async def test_the_estimate_covers_what_was_spent(story):
    spent_usd = float(story.document["totals"]["spent_usd"])

    assert story.estimate.calls == JOBS
    assert 0 < spent_usd <= story.estimate.worst_case_cost_usd
    assert float(story.estimate.ceiling_usd) == 7.0


async def test_the_payment_leads_to_the_report(story):
    assert story.payment.status == "paid"
    assert story.payment.report_id == story.report_id
    assert story.payment.draft_id == story.draft.id


async def test_a_paid_draft_cannot_be_paid_again(story):
    answer = await story.customer.client.post("/api/checkout", json={"draft_id": story.draft.id})

    assert answer.status_code == 409


async def test_progress_begins_with_a_snapshot_and_ends_with_completion(story):
    names = [name for name, _, _ in story.events]

    assert names[0] == "snapshot"
    assert names[-1] == "complete"
    assert set(names[1:-1]) <= {"progress"}
    assert story.last["status"] == "complete"
    assert story.last["completed_jobs"] == story.last["total_jobs"] == JOBS


async def test_progress_never_goes_back(story):
    revisions = [revision for _, revision, _ in story.events]
    done = [body["completed_jobs"] for _, _, body in story.events]

    assert revisions == sorted(revisions)
    assert done == sorted(done)


async def test_progress_adds_up_at_every_moment(story):
    for _, _, body in story.events:
        models = body["models"]
        assert sum(model["done"] for model in models) == body["completed_jobs"]
        for model in models:
            assert model["passed"] + model["failed"] + model["unmeasured"] == model["done"] <= model["total"]


async def test_whoever_comes_back_with_an_old_event_id_gets_a_snapshot(story):
    events = [event async for event in story.customer.events(story.report_id, "1")]

    assert [event.name for event in events] == ["snapshot", "complete"]


async def test_the_report_stands_in_the_customers_list(story):
    items = (await story.customer.client.get("/api/reports")).json()["items"]

    assert next(item for item in items if item["id"] == story.report_id) == story.last


async def test_one_mail_says_that_the_report_is_ready_and_links_to_it(story, system):
    (mail,) = [mail for mail in story.mails if READY_SUBJECT in mail.subject]

    assert mail.to == ["ada@example.com"]
    assert f"{system.site_url}/report/{story.share_token}" in mail.text
    assert f"{system.site_url}/report/{story.share_token}" in mail.html


async def test_the_shared_page_opens_for_anybody_and_shows_the_best_model(story, stranger):
    page = await stranger.client.get(f"/report/{story.share_token}")

    first = (model for model in story.document["models"] if model["rank"] == 1)
    best = max(first, key=lambda model: model["strict"]["pass_rate"])
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert best["name"] in page.text


async def test_the_shared_document_is_the_owners_but_for_the_addresses_of_images(story, stranger):
    shared = (await stranger.client.get(f"/api/share/{story.share_token}")).json()

    urls = [image.pop("url") for image in shared["config"]["images"]]
    own = {**story.document, "config": {**story.document["config"]}}
    own["config"]["images"] = [
        {name: value for name, value in image.items() if name != "url"} for image in own["config"]["images"]
    ]
    assert shared == own
    assert urls == [f"/api/share/{story.share_token}/images/{index}" for index in range(4)]


async def test_the_images_of_the_report_are_those_that_were_uploaded(story, stranger):
    for index, upload in enumerate(sample_uploads(4)):
        owned = await story.customer.client.get(f"/api/reports/{story.report_id}/images/{index}")
        shared = await stranger.client.get(f"/api/share/{story.share_token}/images/{index}")

        wanted = hashlib.sha256(upload.content).hexdigest()
        assert hashlib.sha256(owned.content).hexdigest() == wanted
        assert hashlib.sha256(shared.content).hexdigest() == wanted
        assert shared.headers["Content-Type"] == "image/png"


async def test_a_single_run_can_be_read_in_full(story, stranger):
    run = story.document["runs"][5]

    whole = (await stranger.client.get(f"/api/share/{story.share_token}/runs/{run['n']}")).json()

    assert whole["output"].startswith(run["output"])
    assert whole["expected"] == story.document["config"]["images"][run["image_index"]]["expected"]


async def test_the_report_can_be_exported(story, stranger):
    share = f"/api/share/{story.share_token}"
    as_json = await stranger.client.get(f"{share}/export.json")
    as_csv = await stranger.client.get(f"{share}/export.csv")

    assert as_json.json() == (await stranger.client.get(share)).json()
    assert "attachment" in as_json.headers["Content-Disposition"]
    assert as_csv.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(as_csv.text)))
    assert [int(row["n"]) for row in rows] == [run["n"] for run in story.document["runs"]]


async def test_a_model_never_had_more_calls_at_once_than_it_may_have(story, system, journal):
    seen = await journal(system)

    assert set(seen["max_in_flight"]) >= set(story.models)
    for model, most in seen["max_in_flight"].items():
        assert most <= (1 if model.endswith(":free") else 3), model


async def test_the_report_knows_to_the_cent_what_the_model_api_billed(story, system, journal):
    billed = (await journal(system))["cost_usd_by_user"].values()

    spent_usd = float(story.document["totals"]["spent_usd"])
    assert any(abs(cost_usd - spent_usd) < 1e-6 for cost_usd in billed)


async def test_everything_is_counted_and_sent_once(story, system, settled_once):
    await settled_once(system, story.customer, story.report_id, JOBS)
