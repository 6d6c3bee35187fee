"""A panel value becomes the Grafana panel of its kind."""

import json

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.grafana.panel import (
    Bars,
    Column,
    Heatmap,
    Lines,
    Panel,
    Query,
    Stat,
    Table,
    builder,
)

QUERY = Query("up", "{{job}}")


def built(view, **settings):
    panel = Panel("Up", "Who is up.", "none", view, **settings)
    return json.loads(json.dumps(builder(panel, panel_id=7).build(), cls=JSONEncoder))


@pytest.mark.parametrize(
    ("view", "kind", "instant", "form"),
    [
        (Stat(QUERY), "stat", False, None),
        (Lines((QUERY, QUERY)), "timeseries", False, None),
        (Bars(QUERY), "bargauge", True, "time_series"),
        (Heatmap(QUERY), "heatmap", False, "heatmap"),
        (Table(("job",), (Column("Up", "up", "none"),), "Up"), "table", True, "table"),
    ],
)
def test_a_view_becomes_the_panel_type_and_query_form_that_draws_it(view, kind, instant, form):
    panel = built(view)
    assert (panel["type"], panel["id"]) == (kind, 7)
    assert all(target.get("instant", False) is instant for target in panel["targets"])
    assert all(target.get("format") == form for target in panel["targets"])


def test_queries_are_lettered_in_order():
    panel = built(Lines((Query("a"), Query("b"), Query("c"))))
    assert [(t["refId"], t["expr"]) for t in panel["targets"]] == [
        ("A", "a"),
        ("B", "b"),
        ("C", "c"),
    ]


def test_a_table_names_its_value_columns_and_hides_the_time():
    panel = built(Table(("job",), (Column("Up", "up", "none"), Column("Age", "t", "s")), "Age"))
    organize = panel["transformations"][1]["options"]
    assert organize["renameByName"] == {"Value #A": "Up", "Value #B": "Age"}
    assert organize["indexByName"] == {"job": 0, "Value #A": 1, "Value #B": 2}
    assert organize["excludeByName"] == {"Time": True}
    assert panel["options"]["sortBy"] == [{"displayName": "Age", "desc": True}]


def test_thresholds_begin_green_and_change_at_the_given_values():
    panel = built(Stat(QUERY), thresholds=((1.0, "orange"), (6.0, "red")))
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"] == [
        {"value": None, "color": "green"},
        {"value": 1.0, "color": "orange"},
        {"value": 6.0, "color": "red"},
    ]


def test_the_axis_can_be_left_open_at_either_end():
    defaults = built(Stat(QUERY), min_value=None)["fieldConfig"]["defaults"]
    assert "min" not in defaults
    assert "max" not in defaults
    defaults = built(Stat(QUERY), max_value=1)["fieldConfig"]["defaults"]
    assert (defaults["min"], defaults["max"]) == (0, 1)
