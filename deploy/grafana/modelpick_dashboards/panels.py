"""What all dashboards draw with: one data source, one set of colours, one way to write a query."""

from dataclasses import dataclass, field
from typing import Literal

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders.dashboard import Dashboard, Row, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as StatPanel
from grafana_foundation_sdk.builders.timeseries import Panel as TimeseriesPanel
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
Unit = Literal["short", "s", "currencyUSD", "percentunit", "bytes", "ops", "reqps", "none"]
WIDTH = 24


@dataclass(frozen=True)
class Query:
    """A PromQL expression, with what its lines are called: words with `{{label}}` in them."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Lines:
    """A panel that shows how figures went."""

    title: str
    queries: list[Query]
    unit: Unit = "short"
    says: str = ""
    columns: int = 3
    stacked: bool = False

    def build(self) -> TimeseriesPanel:
        panel = (
            TimeseriesPanel()
            .title(self.title)
            .description(self.says)
            .datasource(PROMETHEUS)
            .unit(self.unit)
            .min(0)
            .fill_opacity(10 if not self.stacked else 30)
            .height(8)
            .span(WIDTH // self.columns)
            .legend(_legend())
            .tooltip(
                common_builders.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
            )
        )
        if self.stacked:
            panel.stacking(common_builders.StackingConfig().mode(StackingMode.NORMAL))
        for query in self.queries:
            panel.with_target(Dataquery().expr(query.expr).legend_format(query.legend or "__auto"))
        return panel


@dataclass(frozen=True)
class Figure:
    """A panel that shows one figure as it is now; from `warn` and from `alarm` on it changes its colour."""

    title: str
    expr: str
    unit: Unit = "short"
    says: str = ""
    warn: float | None = None
    alarm: float | None = None
    columns: int = 8

    def build(self) -> StatPanel:
        return (
            StatPanel()
            .title(self.title)
            .description(self.says)
            .datasource(PROMETHEUS)
            .unit(self.unit)
            .height(4)
            .span(WIDTH // self.columns)
            .graph_mode(BigValueGraphMode.AREA)
            .color_mode(BigValueColorMode.VALUE)
            .thresholds(self._thresholds())
            .with_target(Dataquery().expr(self.expr).legend_format(self.title))
        )

    def _thresholds(self) -> ThresholdsConfig:
        steps = [Threshold(value=None, color="green")]
        for value, colour in ((self.warn, "orange"), (self.alarm, "red")):
            if value is not None:
                steps.append(Threshold(value=value, color=colour))
        return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


@dataclass(frozen=True)
class Board:
    """A dashboard: rows of panels under their headings."""

    uid: str
    title: str
    says: str
    rows: dict[str, list[Lines | Figure]]
    range: str = "now-6h"
    tags: list[str] = field(default_factory=lambda: ["modelpick"])

    def build(self) -> Dashboard:
        board = (
            Dashboard(self.title)
            .uid(self.uid)
            .description(self.says)
            .tags(self.tags)
            .timezone("browser")
            .refresh("30s")
            .time(self.range, "now")
        )
        for heading, panels in self.rows.items():
            board.with_row(Row(heading))
            for panel in panels:
                board.with_panel(panel.build())
        return board

    def expressions(self) -> list[str]:
        """Return every query of every panel."""
        panels = [panel for row in self.rows.values() for panel in row]
        return [
            expr
            for panel in panels
            for expr in (
                [panel.expr] if isinstance(panel, Figure) else [query.expr for query in panel.queries]
            )
        ]


def rate(metric: str, *, by: str = "", where: str = "") -> str:
    """Return how often something happens a second, over all replicas."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{{{where}}}[$__rate_interval]))"


def quantile(q: float, histogram: str, *, by: str = "", where: str = "") -> str:
    """Return a quantile of a histogram, over all replicas."""
    labels = f"le, {by}" if by else "le"
    return (
        f"histogram_quantile({q}, sum by ({labels}) (rate({histogram}_bucket{{{where}}}[$__rate_interval])))"
    )


def _legend() -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
