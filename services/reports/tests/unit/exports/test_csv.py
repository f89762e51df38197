import io

import pandas as pd

from modelpick_reports.spreadsheet import COLUMNS, csv_of


def table(document):
    return pd.read_csv(io.BytesIO(csv_of(document).encode()), encoding="utf-8-sig")


def test_there_is_a_row_for_every_run_in_the_order_of_the_document(make_report):
    document = make_report(models=3, images=2, runs=2)
    rows = table(document)
    assert tuple(rows.columns) == COLUMNS
    assert list(rows["n"]) == [run.n for run in document.runs]
    assert list(rows["model"].unique()) == [model.name for model in document.models]


def test_columns_open_with_the_right_types(make_report):
    rows = table(make_report(models=4, images=3, runs=2, unmeasured=0.3))
    measured = rows[rows["outcome"] != "unmeasured"]
    assert measured["strict"].astype(bool).dtype == bool
    assert set(measured["strict"]) <= {True, False}
    assert rows["strict"].isna().sum() == len(rows) - len(measured)
    assert rows["output_truncated"].dtype == bool
    for column in ("n", "image_index", "run_index", "differences", "attempts"):
        assert rows[column].dtype == "int64"
    for column in ("latency_ms", "prompt_tokens", "completion_tokens", "cost_usd"):
        assert rows[column].dtype == "float64"


def test_the_file_starts_with_a_byte_order_mark_and_ends_its_lines_as_rfc_4180_says(make_report):
    text = csv_of(make_report(models=1, images=1, runs=1))
    assert text.encode().startswith(b"\xef\xbb\xbfmodel,n,")
    assert text.count("\r\n") == 2


def test_the_differing_paths_are_listed(make_report):
    document = make_report(models=2, images=2, runs=2)
    rows = table(document)
    differing = next(run for run in document.runs if run.diffs)
    row = rows[rows["n"] == differing.n].iloc[0]
    assert row["difference_paths"] == ", ".join(diff.path for diff in differing.diffs)
    assert row["differences"] == len(differing.diffs)
