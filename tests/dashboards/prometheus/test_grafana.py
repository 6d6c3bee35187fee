"""The calls that Grafana's Prometheus data source makes, in its order and with its parameters."""

import pytest

from tests.dashboards.web.seeded import NOW_S

RANGE = {"start": NOW_S - 3600, "end": NOW_S}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_save_and_test_is_1_plus_1_at_4_seconds_then_buildinfo(api, method):
    asked = {"query": "1+1", "time": "4"}
    answer = api.get("query", **asked) if method == "GET" else api.post("query", **asked)

    assert answer.json() == {
        "status": "success",
        "data": {"resultType": "scalar", "result": [4, "2"]},
    }
    build = api.data("status/buildinfo")
    assert build["version"] == "3.0.0"
    assert "features" not in build, "with features it would take us for another product"


def test_the_data_source_starts_with_rules_and_a_probe_for_exemplars_in_milliseconds(api):
    assert [group["file"] for group in api.data("rules")["groups"]]
    probe = {"query": "test", "start": (NOW_S - 1800) * 1000, "end": NOW_S * 1000}
    assert api.data("query_exemplars", **probe) == []
    assert api.post("query_exemplars", **probe).json()["status"] == "success"


def test_the_metric_browser_lists_names_labels_values_and_series(api):
    names = api.data("label/__name__/values", **RANGE, limit=40_000)
    assert {"app_orders_total", "app_wait_bucket", "mesh_requests_total", "target_info"} - {
        *names
    } == {"target_info"}, "a resource with nothing else to tell has no target_info"

    selector = {"match[]": '{__name__="app_wait_bucket"}', **RANGE, "limit": 40_000}
    assert api.data("labels", **selector) == ["__name__", "instance", "job", "le"]
    assert api.data("label/le/values", **selector) == ["+Inf", "0.1", "1"]
    series = api.data("series", **selector)
    assert [one["le"] for one in series] == ["+Inf", "0.1", "1"]
    assert api.post("series", **selector).json()["data"] == series
    assert api.post("labels", **selector).json()["data"] == api.data("labels", **selector)


def test_the_builder_asks_for_types_and_helps(api):
    metadata = api.data("metadata", limit=40_000)

    assert metadata["app_orders_total"] == [
        {"type": "counter", "unit": "{order}", "help": "About app.orders."}
    ]
    assert metadata["app_wait"][0]["type"] == "histogram"
    assert metadata["mesh_request_duration_seconds"][0]["type"] == "histogram"
    assert metadata["meshscope_slo_events_total"][0]["type"] == "counter"
    assert api.data("metadata", metric="app_queue").keys() == {"app_queue"}
    assert len(api.data("metadata", limit=2)) == 2


@pytest.mark.parametrize(
    ("path", "asked", "expected"),
    [
        ("labels", {"match[]": "app_queue"}, ["__name__", "instance", "job"]),
        ("label/destination/values", {}, ["cart", "frontend"]),
        (
            "label/destination/values",
            {"match[]": 'mesh_requests_total{source="frontend"}'},
            ["cart"],
        ),
        ("label/shop_name/values", {"match[]": ["app_queue", "app_orders_total"]}, ["north"]),
        ("label/U__shop_5f_name/values", {}, ["north"]),
        ("label/nothing/values", {}, []),
        ("label/__name__/values", {"match[]": '{__name__=~"app_o.*"}'}, ["app_orders_total"]),
    ],
)
def test_template_variables_are_labels_values_and_series(api, path, asked, expected):
    assert api.data(path, **RANGE, **asked) == expected


def test_a_variable_may_be_the_result_of_a_query(api):
    found = api.data("query", query="sum by (destination) (mesh_requests_total)", time=NOW_S)

    assert {one["metric"]["destination"]: one["value"][1] for one in found["result"]} == {
        "cart": "100",
        "frontend": "100",
    }


def test_a_panel_posts_its_range_and_its_float_step(api):
    answer = api.post(
        "query_range",
        query='sum(rate(istio_requests_total{reporter="destination"}[1m0s]))',
        start="1799999940",
        end="1800000000.0",
        step="15",
    )

    (one,) = answer.json()["data"]["result"]
    assert [at_s for at_s, _ in one["values"]] == sorted(at_s for at_s, _ in one["values"])


def test_what_existed_before_or_after_a_window_is_not_listed_in_it(api):
    earlier = {"start": NOW_S - 7200, "end": NOW_S - 4000}

    assert api.data("label/__name__/values", **earlier, **{"match[]": '{job="cart"}'}) == []
    assert api.data("series", **earlier, **{"match[]": "app_queue"}) == []


def test_a_limit_cuts_lists_and_says_so(api):
    body = api.get("label/__name__/values", limit=2).json()

    assert len(body["data"]) == 2
    assert body["warnings"] == ["results truncated due to limit"]


def test_the_alerting_page_reads_rules_and_alerts(api):
    groups = api.data("rules", type="alert")["groups"]
    rule = groups[0]["rules"][0]

    assert {rule["type"] for group in groups for rule in group["rules"]} == {"alerting"}
    assert rule["state"] == "inactive"
    assert {"name", "query", "duration", "labels", "annotations", "alerts", "health"} <= rule.keys()
    assert api.data("alerts") == {"alerts": []}
    named = api.data("rules", **{"rule_group[]": "slo-short"})["groups"]
    assert [group["name"] for group in named] == ["slo-short"]


def test_kiali_reads_configuration_and_retention(api):
    assert "scrape_interval: 10s" in api.data("status/config")["yaml"]
    assert api.data("status/runtimeinfo")["storageRetention"] == "7d"
    assert api.data("status/flags")["query.timeout"] == "2m"
    assert api.data("targets") == {
        "activeTargets": [],
        "droppedTargets": [],
        "droppedTargetCounts": {},
    }
    assert api.data("targets/metadata") == []
    assert api.data("alertmanagers") == {"activeAlertmanagers": [], "droppedAlertmanagers": []}
    assert api.data("status/tsdb")["headStats"]["numSeries"] > 100


def test_expressions_are_laid_out_and_parsed(api):
    assert api.data("format_query", query="foo/bar") == "foo / bar"
    tree = api.data("parse_query", query='sum by (a) (rate(x{b="c"}[5m])) > bool 1')
    assert tree["type"] == "binaryExpr"
    assert tree["bool"] is True
    assert tree["lhs"]["grouping"] == ["a"]
    (selector,) = tree["lhs"]["expr"]["args"]
    assert selector["range"] == 300_000
    assert {"name": "b", "type": "=", "value": "c"} in selector["matchers"]
