"""A panel as a value, and the Grafana panel it becomes.

Never decides what is shown: boards do. Every panel has a title, a sentence of description and a
unit, and asks the data source that the reader picked. Model: Grafana 11.6 panel schemas.
"""

from dataclasses import dataclass
from typing import Final, assert_never

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

PanelBuilder = bargauge.Panel | heatmap.Panel | stat.Panel | table.Panel | timeseries.Panel

Thresholds = tuple[tuple[float, str], ...]
"""Pairs (from this value up, Grafana colour name), ascending; below the first it is green."""


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and the legend of its series in Grafana's ``{{label}}`` form."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One value column of a table: an instant query, its heading and its unit."""

    title: str
    expr: str
    unit: str


@dataclass(frozen=True, slots=True)
class Stat:
    """One large number: the last value of a query."""

    query: Query


@dataclass(frozen=True, slots=True)
class Lines:
    """Series over time."""

    queries: tuple[Query, ...]
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """The current values of a query, one bar for each series."""

    query: Query


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Counts for each histogram bucket over time; the query sums by ``le``."""

    query: Query


@dataclass(frozen=True, slots=True)
class Table:
    """Instant queries with the same labels, side by side; sorted by ``sort_by``, largest first."""

    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    sort_by: str


View = Stat | Lines | Bars | Heatmap | Table


@dataclass(frozen=True, slots=True)
class Panel:
    """What a reader sees: a question (title), how to read the answer, and the view of it."""

    title: str
    description: str
    unit: str
    view: View
    width: int = 12
    height: int = 8
    min_value: float | None = 0
    max_value: float | None = None
    thresholds: Thresholds = ()


def builder(panel: Panel, *, panel_id: int) -> PanelBuilder:
    """Return the SDK builder of a panel; the board gives it its place."""
    built = _view(panel)
    built.id(panel_id).title(panel.title).description(panel.description).datasource(DATASOURCE)
    built.span(panel.width).height(panel.height)
    built.unit(panel.unit).no_value("no data").thresholds(_thresholds(panel.thresholds))
    if panel.min_value is not None:
        built.min(panel.min_value)
    if panel.max_value is not None:
        built.max(panel.max_value)
    return built


def _view(panel: Panel) -> PanelBuilder:
    match panel.view:
        case Stat(query):
            return stat.Panel().with_target(_over_time(query, "A")).reduce_options(_last())
        case Lines(queries, stacked):
            return _lines(queries, stacked=stacked)
        case Bars(query):
            target = _target(query, "A").instant().format(PromQueryFormat.TIME_SERIES)
            bars = bargauge.Panel().with_target(target).reduce_options(_last())
            return bars.orientation(looks.VizOrientation.HORIZONTAL)
        case Heatmap(query):
            return _heatmap(query, unit=panel.unit)
        case Table():
            return _table(panel.view)
        case _ as never:
            assert_never(never)


def _lines(queries: tuple[Query, ...], *, stacked: bool) -> timeseries.Panel:
    built = timeseries.Panel().span_nulls(False).line_width(1).fill_opacity(8)
    legend = common.VizLegendOptions().show_legend(True).calcs(["lastNotNull", "max"])
    built.legend(
        legend.display_mode(looks.LegendDisplayMode.TABLE).placement(looks.LegendPlacement.BOTTOM)
    )
    built.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
    if stacked:
        built.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL)).fill_opacity(40)
    for ref, query in zip("ABCDEFGH", queries, strict=False):
        built.with_target(_over_time(query, ref))
    return built


def _heatmap(query: Query, *, unit: str) -> heatmap.Panel:
    target = _over_time(query, "A").format(PromQueryFormat.HEATMAP)
    color = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    built = heatmap.Panel().calculate(False).with_target(target).color(color)
    return built.y_axis(heatmap.YAxisConfig().unit(unit)).show_legend()


def _table(view: Table) -> table.Panel:
    built = table.Panel().sort_by(
        [common.TableSortByFieldState().display_name(view.sort_by).desc(True)]
    )
    renames = {}
    for ref, column in zip("ABCDEFGH", view.columns, strict=False):
        target = _target(Query(column.expr), ref).instant().format(PromQueryFormat.TABLE)
        built.with_target(target)
        renames[f"Value #{ref}"] = column.title
        built.override_by_name(column.title, [models.DynamicConfigValue("unit", column.unit)])
    order = [*view.labels, *renames]
    organize = {
        "excludeByName": {"Time": True},
        "indexByName": {name: place for place, name in enumerate(order)},
        "renameByName": renames,
    }
    built.with_transformation(models.DataTransformerConfig("merge", options={}))
    return built.with_transformation(models.DataTransformerConfig("organize", options=organize))


def _target(query: Query, ref: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(ref).datasource(DATASOURCE)
    return target.legend_format(query.legend or "__auto")


def _over_time(query: Query, ref: str) -> prometheus.Dataquery:
    return _target(query, ref).range()


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _thresholds(steps: Thresholds) -> builders.ThresholdsConfig:
    marks = [models.Threshold(None, "green"), *(models.Threshold(at, hue) for at, hue in steps)]
    config = builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE)
    return config.steps(marks)
