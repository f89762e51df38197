import pytest

pytestmark = pytest.mark.connected

ADDRESSES = ["runs/0", "export.json", "export.csv", "export.pdf"]


@pytest.fixture
async def report(world):
    report = await world.a_report(status="complete", completed_jobs=8)
    await world.a_run(report, output_text='{"total": 0}' + " " * 5000)
    return report


async def test_an_owner_gets_files_and_whole_runs_of_a_report_that_is_not_shared(world, report):
    await world.change(report, share_token=None)
    async with world.client(report) as client:
        own = f"/api/reports/{report.id}"
        run = (await client.get(f"{own}/runs/0")).json()
        document = (await client.get(f"{own}/document")).json()
        as_json = await client.get(f"{own}/export.json")
        as_csv = await client.get(f"{own}/export.csv")
        as_pdf = await client.get(f"{own}/export.pdf")
    assert (len(run["output"]), run["output_truncated"], run["expected"]) == (5012, False, {"total": 0})
    assert as_json.json() == document
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert as_pdf.content[:5] == b"%PDF-"
    for answer, ending in ((as_json, "json"), (as_csv, "csv"), (as_pdf, "pdf")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-disposition"] == (
            f'attachment; filename="modelpick-report-{report.id}.{ending}"'
        )


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_stranger_gets_what_somebody_gets_who_asks_for_nothing(world, report, address):
    stranger = await world.a_report()
    async with world.client(stranger) as client:
        foreign = await client.get(f"/api/reports/{report.id}/{address}")
        unknown = await client.get(f"/api/reports/{report.draft_id}/{address}")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() | {"instance": ""} == unknown.json() | {"instance": ""}
    async with world.client() as nobody:
        assert (await nobody.get(f"/api/reports/{report.id}/{address}")).status_code == 401


async def test_the_page_tells_scripts_whether_its_reader_owns_it(world, report):
    stranger = await world.a_report()
    async with world.client(report) as owner, world.client(stranger) as other, world.client() as nobody:
        pages = [await client.get(f"/report/{report.share_token}") for client in (owner, other, nobody)]
    assert ['data-owners="yes"' in page.text for page in pages] == [True, False, False]
    assert str(report.id) not in pages[2].text


async def test_the_page_may_run_the_sites_own_scripts_and_no_others(world, report):
    async with world.client() as client:
        page = await client.get(f"/report/{report.share_token}")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data: blob:" in policy
    assert page.text.count("<script") == 2
    assert (
        page.text.count("<script src=") + page.text.count('<script type="module" src="/app/report.js"') == 2
    )


async def test_a_report_that_runs_refreshes_instead_of_starting_scripts(world):
    report = await world.a_report()
    async with world.client() as client:
        page = await client.get(f"/report/{report.share_token}")
    assert '<meta http-equiv="refresh"' in page.text
    assert "/app/report.js" not in page.text
