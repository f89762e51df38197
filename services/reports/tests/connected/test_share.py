import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from modelpick_shared.testing import config_snapshot

pytestmark = pytest.mark.connected

NOW = datetime.now(UTC)
FIELDS = {"passed": False, "passed_relaxed": False}
WRONG = {"path": "total", "kind": "wrong", "expected": 0, "actual": 9, "rescued_by": None}


@pytest.fixture
async def report(world):
    """Two models on two images, twice: one always right, the other wrong, silent, unmeasured and unsafe."""
    report = await world.a_report(
        status="partial",
        completed_jobs=8,
        spent_usd=Decimal("0.0085"),
        started_at=NOW,
        completed_at=NOW + timedelta(seconds=30),
        config=config_snapshot(models=2, images=2, runs=2),
    )
    usage = {
        "response_time_ms": 800,
        "cost": Decimal("0.001"),
        "prompt_tokens": 1000,
        "completion_tokens": 50,
    }
    for image, run in ((0, 0), (0, 1), (1, 0), (1, 1)):
        await world.a_run(report, 0, image, run, output_text='{"total": 0}', provider="Good", **usage)
    await world.a_run(
        report,
        1,
        0,
        0,
        outcome="wrong",
        field_diffs=[WRONG],
        output_text="=1+1" + "x" * 9000,
        **FIELDS,
        **usage,
    )
    await world.a_run(report, 1, 0, 1, outcome="empty", field_diffs=None, **FIELDS, **usage)
    await world.a_run(
        report, 1, 1, 0, outcome="invalid_json", error="@prose <script>alert(1)</script>", **FIELDS, **usage
    )
    unmeasured = {"passed": None, "passed_relaxed": None, "field_diffs": None, "response_time_ms": 120_000}
    await world.a_run(report, 1, 1, 1, outcome="unmeasured", unmeasured_reason="timeout", **unmeasured)
    return report


async def test_the_document_is_there_for_whoever_has_the_token_and_for_the_owner(world, report):
    async with world.client() as anybody:
        shared = await anybody.get(f"/api/share/{report.share_token}")
    async with world.client(report) as owner:
        own = await owner.get(f"/api/reports/{report.id}/document")
    assert shared.status_code == own.status_code == 200
    assert shared.headers["cache-control"] == "no-store"
    document, owners = shared.json(), own.json()
    assert document["config"]["images"][1]["url"] == f"/api/share/{report.share_token}/images/1"
    assert owners["config"]["images"][1]["url"] == f"/api/reports/{report.id}/images/1"
    assert {**document, "config": {}} == {**owners, "config": {}}


async def test_the_document_says_what_was_measured(world, report):
    async with world.client() as client:
        document = (await client.get(f"/api/share/{report.share_token}")).json()
    good, bad = document["models"]
    assert (document["status"], document["totals"]["measured"], document["totals"]["unmeasured"]) == (
        "partial", 7, 1
    )  # fmt: skip
    assert (document["totals"]["spent_usd"], document["totals"]["duration_s"]) == ("0.0085", 30)
    # Two images are too few to tell even these apart.
    assert [good["rank"], bad["rank"]] == [1, 1]
    assert [good["tied_with"], bad["tied_with"]] == [[bad["id"]], [good["id"]]]
    assert good["strict"]["pass_rate"] == 1
    assert good["strict"]["ci95"][0] < 1 == good["strict"]["ci95"][1]
    assert good["cost_usd"] == {"total": "0.004", "per_image": "0.001", "per_1000_images": "1"}
    assert good["latency_ms"] == {"p50": 800, "p90": 800, "p99": 800}
    assert bad["outcomes"]["unmeasured"] == bad["outcomes"]["empty"] == bad["outcomes"]["wrong"] == 1
    wrong = document["runs"][4]
    assert (wrong["n"], wrong["diffs"], wrong["output_truncated"]) == (4, [WRONG], True)
    assert len(wrong["output"]) == 2048
    assert document["runs"][7]["latency_ms"] is None


async def test_a_run_in_full_has_its_whole_output_and_what_was_expected(world, report):
    async with world.client() as client:
        run = (await client.get(f"/api/share/{report.share_token}/runs/4")).json()
        listed = (await client.get(f"/api/share/{report.share_token}")).json()["runs"][4]
        for number in (8, 10**5, -1, "x"):
            answer = await client.get(f"/api/share/{report.share_token}/runs/{number}")
            assert answer.status_code == 404
    assert run["output"] == "=1+1" + "x" * 9000
    assert (run["output_truncated"], run["expected"]) == (False, {"total": 0})
    cut = {"output": "", "output_truncated": False}
    assert {**run, **cut} == {**listed, **cut, "expected": {"total": 0}}


async def test_a_run_that_has_not_happened_is_not_there(world):
    report = await world.a_report()
    await world.a_run(report, 1, 0, 1)
    async with world.client() as client:
        statuses = [
            (await client.get(f"/api/share/{report.share_token}/runs/{number}")).status_code
            for number in range(9)
        ]
    assert statuses == [404] * 5 + [200] + [404] * 3


async def test_a_running_report_shows_what_is_measured_so_far(world):
    report = await world.a_report()
    await world.a_run(report, 0, 0, 0)
    async with world.client() as client:
        document = (await client.get(f"/api/share/{report.share_token}")).json()
        page = await client.get(f"/report/{report.share_token}")
    assert (document["status"], len(document["runs"]), document["totals"]["jobs"]) == ("running", 1, 8)
    assert '<meta http-equiv="refresh"' in page.text
    assert "1 of 8 runs are done" in page.text


async def test_exports_are_files(world, report):
    async with world.client() as client:
        as_json = await client.get(f"/api/share/{report.share_token}/export.json")
        as_csv = await client.get(f"/api/share/{report.share_token}/export.csv")
        document = (await client.get(f"/api/share/{report.share_token}")).json()
        as_pdf = await client.get(f"/api/share/{report.share_token}/export.pdf")
    assert as_json.json() == document
    assert as_json.headers["content-disposition"] == (
        f'attachment; filename="modelpick-report-{report.id}.json"'
    )
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert as_csv.headers["content-disposition"].endswith(f'{report.id}.csv"')
    assert (as_pdf.headers["content-type"], as_pdf.content[:5]) == ("application/pdf", b"%PDF-")


async def test_no_cell_of_the_csv_is_a_formula(world, report):
    async with world.client() as client:
        text = (await client.get(f"/api/share/{report.share_token}/export.csv")).text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["n"] for row in rows] == [str(number) for number in range(8)]
    assert rows[0]["cost_usd"] == "0.001"
    assert rows[4]["output"].startswith("'=1+1")
    assert rows[6]["error"].startswith("'@prose")
    assert (rows[4]["strict"], rows[7]["strict"], rows[7]["latency_ms"]) == ("FALSE", "", "")


async def test_the_page_gives_the_answer_first_and_needs_no_script(world, report):
    async with world.client() as client:
        page = await client.get(f"/report/{report.share_token}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    best = report.config_snapshot["models"][0]["name"]
    heading = page.text.split("<h1>")[1].split("</h1>")[0]
    other = report.config_snapshot["models"][1]["name"]
    assert heading == f"{best} and {other} share first place"
    assert page.text.index("(95 % interval") < page.text.index("<table")
    assert "partial" in page.text
    assert "refresh" not in page.text
    assert f"/api/share/{report.share_token}/runs/7" in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_what_customers_and_models_wrote_is_escaped(world):
    config = config_snapshot(models=2, images=1, runs=2).model_copy(
        update={"extraction_prompt": marked("prompt")}
    )
    called = {"name": marked("name"), "provider": marked("vendor")}
    config.models[0] = config.models[0].model_copy(update=called)
    config.images[0] = config.images[0].model_copy(update={"expected": {marked("path"): 1}})
    report = await world.a_report(config=config, status="complete")
    said = {"output_text": marked("output"), "error": marked("error")}
    diff = WRONG | {"path": marked("path"), "actual": marked("actual"), "rescued_by": marked("rescue")}
    await world.a_run(report, provider=marked("provider"), **said)
    await world.a_run(report, run=1, outcome="wrong", field_diffs=[diff], provider="Other", **said, **FIELDS)
    async with world.client() as client:
        page = await client.get(f"/report/{report.share_token}")
    for written in ("prompt", "name", "vendor", "provider", "path", "rescue"):
        assert f"{written}&lt;script&gt;alert(&#39;{written}&#39;)&lt;/script&gt;" in page.text
    assert "<script>" not in page.text


def marked(name):
    """Return a text that would run where it is not escaped; the name says whose it is."""
    return f"{name}<script>alert('{name}')</script>"


@pytest.mark.parametrize("status", ["paid", "running", "complete", "partial", "failed"])
async def test_a_page_without_any_result_is_readable(world, status):
    report = await world.a_report(status=status)
    async with world.client() as client:
        page = await client.get(f"/report/{report.share_token}")
    assert page.status_code == 200
    heading = page.text.split("<h1>")[1].split("</h1>")[0]
    headings = {"failed": "Nothing could be measured", "paid": "This report has not started yet"}
    assert heading.startswith(headings.get(status, "No model can be ranked"))


async def test_an_unknown_or_revoked_report_has_a_page_that_says_so(world, report):
    await world.change(report, share_token=None)
    async with world.client() as client:
        for token in ("unknown", report.share_token, "a%00b", "%ff"):
            page = await client.get(f"/report/{token}")
            assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert "no report at this address" in page.text
            assert (await client.get(f"/api/share/{token}")).status_code == 404


async def test_the_page_says_which_models_more_than_one_provider_served(world):
    report = await world.a_report(status="complete")
    for run, provider in enumerate(["Alpha", "Alpha", "Beta"]):
        await world.a_run(report, run=run, provider=provider)
    await world.a_run(report, model=1, provider="Alpha")
    async with world.client() as client:
        page = await client.get(f"/report/{report.share_token}")
    assert "Alpha (2 runs), Beta (1 run)" in page.text
    assert page.text.count("Alpha (") == 1
