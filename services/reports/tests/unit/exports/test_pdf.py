import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpick_reports.exports import pdf_of
from modelpick_reports.exports.typesetting import Typesetter
from modelpick_shared.document import ReportDocument

LONG = "A model with a very long and tiresome marketing name, release candidate seven, "
HOSTILE = (
    *(
        '#import "/etc/passwd"',
        '#read("/etc/passwd")',
        "*bold* _slanted_ $x^2$ \\ #1",
        '] } ) #panic("x") //',
    ),
    *("<script>&amp;\"'", "`raw` @ref <label>", "\u202eevil\0", "M\u00fcller \u2013 \u00c4rger", "= Heading"),
    *("\u65e5\u672c\u8a9e\u30e2\u30c7\u30eb \U0001f600", "x" * 300, LONG * 5, "   ", "/ term: x"),
)
UNUSUAL = {
    "one run": {"models": 1, "images": 1, "runs": 1},
    "one model": {"models": 1, "images": 6, "runs": 3},
    "one image": {"models": 5, "images": 1, "runs": 3},
    "no fields": {"fields": 0},
    "very many fields": {"fields": 52, "models": 30},
    "all unmeasured": {"unmeasured": 1.0, "status": "failed"},
    "nothing there": {"done": 0.0, "status": "failed"},
    "not started": {"done": 0.0, "status": "paid"},
    "hardly started": {"models": 8, "images": 6, "runs": 3, "done": 0.03, "status": "running"},
    "running": {"models": 8, "images": 6, "runs": 3, "done": 0.6, "status": "running"},
    "no cost known": {"models": 6, "images": 6, "priced": False},
    "no statistics": {"models": 6, "images": 6, "statistics": False},
}


def text_of(pdf):
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


def squeezed(text):
    return re.sub(r"[\s\u200b]", "", text)


def test_a_full_report_is_a_small_pdf(full_document):
    pdf = pdf_of(full_document)
    assert pdf.startswith(b"%PDF-1.")
    assert len(pdf) < 1_000_000


def test_a_full_report_takes_less_than_a_second_of_cpu_once_warm(full_document):
    pdf_of(full_document)
    times = []
    for _ in range(3):
        start = time.process_time()
        pdf_of(full_document)
        times.append(time.process_time() - start)
    assert min(times) < 1.0


def test_the_same_document_gives_the_same_bytes(full_document):
    again = ReportDocument.model_validate_json(full_document.model_dump_json())
    assert pdf_of(full_document) == pdf_of(again)


def test_the_file_bears_the_date_of_the_report(make_report):
    pdf = pdf_of(make_report())
    assert b"/CreationDate(D:20260312093717Z)" in pdf


def test_threads_do_not_disturb_each_other(make_report):
    documents = [make_report(seed=seed) for seed in range(4)]
    alone = [pdf_of(document) for document in documents]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(pdf_of, documents * 2)) == alone * 2


@pytest.mark.parametrize("arguments", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_unusual_reports_can_be_printed(make_report, arguments):
    assert pdf_of(make_report(**arguments)).startswith(b"%PDF-1.")


def test_text_of_customers_and_models_is_never_markup(make_report):
    document = make_report(models=len(HOSTILE), images=2, runs=1, names=HOSTILE)
    prompt = '#read("/etc/passwd") $ * ] \\u{41} #sys.inputs.data'
    hostile = document.model_copy(
        update={"config": document.config.model_copy(update={"extraction_prompt": prompt})}
    )
    text = squeezed(text_of(pdf_of(hostile)))
    for name in (
        '#import "/etc/passwd"',
        '#read("/etc/passwd")',
        '] } ) #panic("x") //',
        "= Heading",
        prompt,
    ):
        assert squeezed(name) in text
    assert "root:" not in text


@settings(max_examples=30, deadline=None)
@given(name=st.text(st.characters(codec="utf-8"), max_size=90), path=st.text(max_size=60), prompt=st.text())
def test_any_text_can_be_printed(full_document, name, path, prompt):
    model, field = full_document.models[0], full_document.fields[0]
    document = full_document.model_copy(
        update={
            "config": full_document.config.model_copy(update={"extraction_prompt": prompt}),
            "models": [model.model_copy(update={"name": name})],
            "fields": [field.model_copy(update={"path": path})],
            "runs": [],
        }
    )
    assert pdf_of(document).startswith(b"%PDF-1.")


def test_the_text_has_every_model_and_the_answer(full_document):
    text = squeezed(text_of(pdf_of(full_document)))
    for model in full_document.models:
        assert squeezed(model.name) in text
    assert "sharefirstplace" in text
    assert "Page1of" in text
    assert "17of720runscouldnotbemeasured" in text


def test_a_report_that_runs_says_so(make_report):
    text = text_of(pdf_of(make_report(models=8, images=6, runs=3, done=0.6, status="running")))
    assert "Still running" in text
    assert "so far" in text


def test_very_many_fields_are_cut_to_the_worst(make_report):
    document = make_report()
    fields = [document.fields[0].model_copy(update={"path": f"field_{number}"}) for number in range(500)]
    text = text_of(pdf_of(document.model_copy(update={"fields": fields})))
    assert squeezed("the 60 fields least often right; the JSON export has 500 fields") in squeezed(text)


def test_a_template_reads_nothing_outside_its_folder(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "nosy.typ").write_text('#read("../secret.txt")')
    (templates / "absolute.typ").write_text('#read("/etc/passwd")')
    for template in ("nosy.typ", "absolute.typ"):
        with pytest.raises(typst.TypstError):
            Typesetter(templates).pdf(template, {}, dated=datetime(2026, 3, 12, tzinfo=UTC))
