"""Vega-Lite: charts as SVG out of the specifications in `vega/` and data."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import vl_convert

CHARTS = Path(__file__).parent / "vega"
VEGA_LITE = "5.21"


def draw(chart: str, datasets: Mapping[str, Sequence[Mapping[str, Any]]], params: Mapping[str, Any]) -> str:
    """Return the chart as SVG. `params` are the values that its specification's expressions name.

    Safe to use from many threads; the engine draws one chart at a time.
    """
    spec = _specification(chart) | {
        "datasets": datasets,
        "params": [{"name": name, "value": value} for name, value in params.items()],
    }
    if "height" in params:
        spec["height"] = params["height"]
    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])


@functools.cache
def _specification(chart: str) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((CHARTS / f"{chart}.vl.json").read_text("utf-8"))
    config: dict[str, Any] = json.loads((CHARTS / "config.json").read_text("utf-8"))
    return spec | {"config": config}
