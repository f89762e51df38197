import itertools
from xml.etree import ElementTree as ET

import pytest

from modelpick_reports.exports.charts import cost_chart, latency_chart
from modelpick_reports.exports.labels import Box, Point, place_names
from modelpick_reports.exports.tables import keys_of


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_the_best_value_is_named_and_every_model_has_its_letter(full_document):
    keys = keys_of(full_document.models)
    drawn = texts(cost_chart(full_document.models, keys))
    for model in full_document.models:
        text = f"{keys[model.id]}\u00a0\u00a0{model.name[:26]}" if model.pareto else keys[model.id]
        assert text in drawn
    assert "free" in drawn


def test_latency_lists_every_model_with_its_figures(full_document):
    drawn = texts(latency_chart(full_document.models, keys_of(full_document.models)))
    assert {"p50", "p90", "p99"} <= set(drawn)
    assert all(
        any(text and text.startswith(model.name[:30]) for text in drawn) for model in full_document.models
    )


def test_markup_in_names_is_text(make_report):
    document = make_report(models=2, names=["<image href='file:///etc/passwd'/>", "a & b"])
    svg = latency_chart(document.models, keys_of(document.models))
    assert "a & b" in texts(svg)
    assert "<image" not in svg


@pytest.mark.parametrize(
    "arguments", [{"done": 0.0, "status": "paid"}, {"unmeasured": 1.0, "status": "failed"}]
)
def test_without_measured_runs_there_is_nothing_to_draw(make_report, arguments):
    document = make_report(**arguments)
    keys = keys_of(document.models)
    assert cost_chart(document.models, keys) is None
    assert latency_chart(document.models, keys) is None


def test_without_costs_there_is_no_chart_of_them(make_report):
    document = make_report(priced=False)
    assert cost_chart(document.models, keys_of(document.models)) is None


def test_names_cover_neither_points_nor_each_other():
    points = [Point(20 + 9 * number, 50 + 4 * number, 24, 7) for number in range(12)]
    frame = Box(0, 0, 400, 200)
    boxes = place_names(points, frame)
    dots = [Box(point.x - 3, point.y - 3, point.x + 3, point.y + 3) for point in points]
    assert all(one.overlap(other) == 0 for one, other in itertools.combinations(boxes, 2))
    assert all(box.overlap(dot) == 0 for box in boxes for dot in dots)
    assert all(box.outside(frame) == 0 for box in boxes)
