from datetime import UTC, datetime
from decimal import Decimal

from modelpick_shared.document import ReportFacts, RunFacts, build_document
from modelpick_shared.ids import new_id
from modelpick_shared.testing import an_image, config_snapshot

NOW = datetime(2026, 1, 2, tzinfo=UTC)
KEYS_OFTEN_WRONG = (7, 311)


def test_thousands_of_different_fields_stay_under_2_mb_with_those_most_often_wrong():
    expected = {f"image {number}": {f"key {key}": key for key in range(400)} for number in range(10)}
    images = [an_image(number, {name: values}) for number, (name, values) in enumerate(expected.items())]
    config = config_snapshot(models=24, images=10, runs=3).model_copy(update={"images": images})
    report = ReportFacts(new_id(), "complete", 1, config.total_jobs, Decimal(5), NOW, NOW, NOW)
    runs = [
        a_wrong_run(model.id, image, number)
        for model in config.models
        for image in range(10)
        for number in range(3)
    ]
    document = build_document(report, config, runs, image_url=str)
    assert 1_500_000 < len(document.model_dump_json().encode()) < 2_000_000
    paths = [field.path for field in document.fields]
    assert {f"image {number}.key {key}" for number in range(10) for key in KEYS_OFTEN_WRONG} <= set(paths)
    everything = [f"{name}.{key}" for name, values in expected.items() for key in values]
    assert paths == [path for path in everything if path in set(paths)]
    assert {model.field_accuracy for model in document.models} == {0.995}


def a_wrong_run(model_id: str, image: int, number: int) -> RunFacts:
    diffs = [
        {"path": f"image {image}.key {key}", "kind": "wrong", "expected": 1, "actual": 2}
        for key in KEYS_OFTEN_WRONG
    ]
    return RunFacts(
        model_id, image, number, "wrong", passed=False, passed_relaxed=False, diffs=diffs, output="x" * 5000
    )
