import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import delete, func, select, update

from modelpick_reports import documents
from modelpick_reports.documents import Documents
from modelpick_reports.repository import any_of
from modelpick_shared.broker import BrokerConnector, Publisher, Service
from modelpick_shared.contracts import ReportCompleted, ReportFailed, ReportStatus
from modelpick_shared.db.tables import BenchmarkRun, ReportExport
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
async def report(world):
    report = await world.a_report(status="complete", completed_jobs=8, started_at=NOW, completed_at=NOW)
    for number in range(8):
        model, image_run = divmod(number, 4)
        image, run = divmod(image_run, 2)
        await world.a_run(report, model, image, run, output_text='{"total": 0}')
    return report


async def stored(world, report) -> dict[str, int]:
    async with world.database.transaction() as session:
        statement = select(ReportExport.kind, ReportExport.revision)
        rows = await session.execute(statement.where(ReportExport.report_id == report.id))
        return {row.kind: row.revision for row in rows}


async def bytes_of(world, report) -> bytes:
    return (await Documents(world.service_database).export(any_of([report.id]), documents.Export.DOCUMENT))[1]


async def test_the_document_of_an_ended_report_is_made_once(world, report):
    first = await bytes_of(world, report)
    async with world.database.transaction() as session:
        await session.execute(update(BenchmarkRun).values(outcome="wrong"))
    assert await bytes_of(world, report) == first
    assert await stored(world, report) == {"document": 0}


async def test_the_same_data_gives_the_same_bytes(world, report):
    first = await bytes_of(world, report)
    async with world.database.transaction() as session:
        await session.execute(delete(ReportExport))
        # Rows that were written again lie, and so are read, in another order.
        await session.execute(
            update(BenchmarkRun).where(BenchmarkRun.run_index == 0).values(error=BenchmarkRun.error)
        )
    assert await bytes_of(world, report) == first


async def test_a_resumed_report_gets_a_new_document(world, report):
    first = await bytes_of(world, report)
    await world.change(report, status="running")
    assert b'"status":"running"' in await bytes_of(world, report)
    assert await stored(world, report) == {"document": 0}
    await world.change(report, status="complete")
    corrected = await bytes_of(world, report)
    assert corrected != first
    assert b'"revision":2' in corrected
    assert await stored(world, report) == {"document": 2}


async def test_nothing_is_kept_of_a_report_that_runs(world):
    report = await world.a_report()
    async with world.client() as client:
        for path in ("", "/export.csv", "/export.pdf", "/preview.png"):
            assert (await client.get(f"/api/share/{report.share_token}{path}")).status_code == 200
    assert await stored(world, report) == {}


async def test_an_older_document_does_not_replace_a_newer_one(world, report):
    reader = Documents(world.service_database)
    await bytes_of(world, report)
    await world.change(report)
    await bytes_of(world, report)
    async with world.database.transaction() as session:
        await documents.repository.store_export(session, report.id, "document", 0, b"old")
    assert await stored(world, report) == {"document": 1}
    assert (await reader.document(any_of([report.id]))).revision == 1


async def test_all_who_ask_at_once_wait_for_the_same_document(world, report, monkeypatch):
    built = []

    def counted(facts, *arguments, **options):
        built.append(facts.id)
        return build(facts, *arguments, **options)

    build = documents.build_document
    monkeypatch.setattr(documents, "build_document", counted)
    reader = Documents(world.service_database)
    scope = any_of([report.id])
    answers = await asyncio.gather(*(reader.export(scope, documents.Export.DOCUMENT) for _ in range(5)))
    assert len(set(answers)) == 1
    assert built == [report.id]


async def test_the_document_is_there_before_anybody_asks(world, report, fresh_broker_url, broker_url_as):
    failed = await world.a_report(status="failed")
    about = {"email": "owner@example.com", "share_token": report.share_token}
    connector = BrokerConnector(fresh_broker_url, name="test")
    async with (
        world.serving(broker_url_as(Service.REPORTS)) as (_, address),
        Publisher(connector) as publisher,
    ):

        async def is_stored(one):
            return await stored(world, one)

        await eventually(lambda: broker_is_connected(address))
        ended = ReportCompleted(report_id=report.id, status=ReportStatus.COMPLETE, **about)
        # Twice, as any message may come.
        failure = ReportFailed(report_id=failed.id, status="failed", reason="x", **about)
        for message in (ended, ended, failure):
            await publisher.send(message)
        assert await eventually(lambda: is_stored(report)) == {"document": 0}
        assert await eventually(lambda: is_stored(failed)) == {"document": 0}
    async with world.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(ReportExport)) == 2


async def broker_is_connected(address) -> bool:
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        return (await client.get("/readyz")).json()["broker"] == "connected"


async def test_the_images_of_a_document_lie_where_its_reader_may_look(world, report):
    shared_at = f"/api/share/{report.share_token}"
    async with world.client(report) as client:
        own = (await client.get(f"/api/reports/{report.id}/document")).json()
        shared = (await client.get(shared_at)).json()
        page = (await client.get(f"/report/{report.share_token}")).text
    assert [image["url"] for image in own["config"]["images"]] == [
        f"/api/reports/{report.id}/images/{index}" for index in range(2)
    ]
    assert [image["url"] for image in shared["config"]["images"]] == [
        f"{shared_at}/images/{index}" for index in range(2)
    ]
    assert f"{shared_at}/images/1" in page
    assert f"/api/reports/{report.id}" not in page


async def test_pdf_and_preview_are_made_once(world, report):
    async with world.client() as client:
        for _ in range(2):
            pdf = await client.get(f"/api/share/{report.share_token}/export.pdf")
            picture = await client.get(f"/api/share/{report.share_token}/preview.png")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert pdf.headers["content-disposition"].endswith(f'{report.id}.pdf"')
    assert (picture.headers["content-type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert await stored(world, report) == {"document": 0, "pdf": 0, "preview": 0}


async def test_a_link_to_the_page_is_shown_with_its_answer_and_picture(world, report):
    async with world.client() as client:
        page = (await client.get(f"/report/{report.share_token}")).text
    assert f'<meta property="og:image" content="http://localhost:8080/api/share/{report.share_token}/' in page
    assert '<meta property="og:title" content="' in page
