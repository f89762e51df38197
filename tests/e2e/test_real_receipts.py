"""The same story with photographs of real receipts, where they lie beside the checkout."""

import json
from pathlib import Path

import pytest

from modelpick_local.demo.upload import Upload

pytestmark = pytest.mark.e2e

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "receipts"
PHOTOGRAPHS = sorted(FOLDER.glob("receipt-*.jpg"))[:10]
JOBS = 3 * 10 * 3


def upload_of(photograph):
    expected = json.loads(photograph.with_suffix(".json").read_text())
    return Upload(photograph.name, "image/jpeg", photograph.read_bytes(), expected)


@pytest.mark.skipif(len(PHOTOGRAPHS) < 10, reason="no photographs of real receipts beside this checkout")
async def test_ten_real_receipts_make_a_report(visit, system, buy, settled_once):
    customer = await visit(system, "real")
    uploads = [upload_of(photograph) for photograph in PHOTOGRAPHS]

    report_id = await buy(customer, uploads, 3)
    report = await customer.await_progress(report_id)
    document = (await customer.client.get(f"/api/reports/{report_id}/document")).json()

    assert report.status == "complete"
    assert [image["expected"] for image in document["config"]["images"]] == [u.expected for u in uploads]
    assert document["totals"]["jobs"] == len(document["runs"]) == JOBS
    assert any(run["outcome"] == "passed" for run in document["runs"])
    await settled_once(system, customer, report_id, JOBS)
