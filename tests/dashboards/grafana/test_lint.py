"""Our dashboards keep the rules that Grafana's dashboard-linter asks for, and a few of our own."""

import re

import promql_parser
import pytest

from dashboards.grafana.metrics import series_names
from tests.dashboards.grafana.expressions import (
    dashboards,
    expressions,
    filled,
    panels,
)

DASHBOARDS = [pytest.param(d, id=d["uid"]) for d in dashboards()]
PANELS = [pytest.param(panel, id=name) for name, panel in panels()]
EXPRESSIONS = [pytest.param(expr, id=name) for name, expr in expressions()]
NAMES = series_names()
COUNTERS = {name for name in NAMES if name.endswith(("_total", "_bucket", "_count"))}


def nodes(expr: str) -> list[promql_parser.Expr]:
    """Return every node of the parsed expression, depth first."""
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(filled(expr)), found.append)
    return found


def selectors(expr: str) -> list[promql_parser.VectorSelector]:
    return [n for n in nodes(expr) if isinstance(n, promql_parser.VectorSelector)]


def groupings(expr: str) -> list[tuple[promql_parser.Expr, set[str]]]:
    """Return every aggregation that names labels, with those labels."""
    found = [n for n in nodes(expr) if isinstance(n, promql_parser.AggregateExpr)]
    return [(node.expr, set(node.modifier.labels)) for node in found if node.modifier]


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_a_dashboard_cannot_be_edited_in_the_browser(dashboard):
    assert dashboard["editable"] is False


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_a_dashboard_is_of_a_schema_that_grafana_10_to_13_load(dashboard):
    assert 39 <= dashboard["schemaVersion"] <= 41
    assert dashboard["uid"].startswith("meshscope-")
    assert len(dashboard["uid"]) <= 40


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_a_dashboard_lets_the_reader_choose_the_data_source(dashboard):
    first = dashboard["templating"]["list"][0]
    assert (first["name"], first["type"], first["query"], first["label"]) == (
        "datasource",
        "datasource",
        "prometheus",
        "Data source",
    )


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_choices_follow_the_time_range_and_begin_with_all(dashboard):
    for variable in dashboard["templating"]["list"][1:]:
        assert variable["datasource"]["uid"] == "${datasource}"
        assert variable["refresh"] == 2
        assert variable["multi"]
        assert variable["includeAll"]
        assert variable["allValue"] in {".+", ".*"}


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_choices_ask_for_labels_that_their_metric_has(dashboard):
    for variable in dashboard["templating"]["list"][1:]:
        asked = re.fullmatch(r"label_values\((?P<selector>.+), (?P<label>\w+)\)", variable["query"])
        assert asked, variable["query"]
        (selector,) = selectors(asked["selector"])
        assert asked["label"] in NAMES[selector.name]
        assert {m.name for m in selector.matchers.matchers} <= set(NAMES[selector.name])


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_a_dashboard_links_to_its_siblings_at_the_same_time_and_choice(dashboard):
    (link,) = dashboard["links"]
    assert link["type"] == "dashboards"
    assert set(link["tags"]) <= set(dashboard["tags"])
    assert link["keepTime"]
    assert link["includeVars"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows_and_how_to_read_it(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["title"] != panel["description"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_and_its_columns_have_units(panel):
    assert panel["fieldConfig"]["defaults"]["unit"]
    if panel["type"] == "table":
        overrides = panel["fieldConfig"]["overrides"]
        assert len(overrides) == len(panel["targets"])
        assert all(o["properties"][0]["id"] == "unit" for o in overrides)
        assert all(o["properties"][0]["value"] for o in overrides)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_and_its_queries_use_the_chosen_data_source(panel):
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert all(s == {"type": "prometheus", "uid": "${datasource}"} for s in sources)


@pytest.mark.parametrize("panel", PANELS)
def test_queries_of_a_panel_have_names_of_their_own(panel):
    refs = [target["refId"] for target in panel["targets"]]
    assert refs
    assert len(set(refs)) == len(refs)


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_query_is_promql(expr):
    promql_parser.parse(filled(expr))


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_every_range_is_grafanas_rate_interval(expr):
    ranges = re.findall(r"\[([^\]]+)\]", re.sub(r'"[^"]*"', '""', expr))
    assert set(ranges) <= {"$__rate_interval"}


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_query_selects_only_names_and_labels_that_the_server_exposes(expr):
    for selector in selectors(expr):
        assert selector.name in NAMES
        assert {m.name for m in selector.matchers.matchers} <= set(NAMES[selector.name])


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_sum_keeps_only_labels_that_its_series_have(expr):
    for inner, labels in groupings(expr):
        for selector in selectors(inner.prettify()):
            assert labels <= set(NAMES[selector.name])


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_a_counter_is_read_only_as_a_rate(expr):
    found = nodes(expr)
    ranged = [n.vector_selector.name for n in found if isinstance(n, promql_parser.MatrixSelector)]
    rated = [
        argument.vector_selector.name
        for n in found
        if isinstance(n, promql_parser.Call) and n.func.name in {"rate", "increase"}
        for argument in n.args
    ]
    counters = [selector.name for selector in selectors(expr) if selector.name in COUNTERS]
    assert sorted(counters) == sorted(ranged) == sorted(rated)


@pytest.mark.parametrize("panel", PANELS)
def test_a_legend_names_labels_that_the_query_keeps(panel):
    for target in panel["targets"]:
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        kept = set[str]().union(*(labels for _, labels in groupings(target["expr"])))
        assert named <= kept
