"""Services, SLOs, health and errors of the JSON API."""

import pytest

from dashboards.web.app import create_app
from tests.dashboards.web.seeded import NOW_S, deps
from tests.dashboards.web.visitor import Visitor


def test_a_service_row_names_callers_callees_and_when_it_was_heard(client):
    rows = {row["service"]: row for row in client.get("/api/services").json()}

    assert rows["frontend"]["callers"] == ["external"]
    assert rows["frontend"]["callees"] == ["cart"]
    assert rows["cart"]["errors"] == 20
    assert rows["cart"]["last_seen_s"] == NOW_S // 10 * 10 - 600
    assert rows["frontend"]["last_seen_s"] is None


def test_a_service_without_traffic_has_no_ratio(client):
    rows = {row["service"]: row for row in client.get("/api/services").json()}

    assert rows["idle"]["requests"] == 0
    assert rows["idle"]["error_ratio"] is None
    assert rows["idle"]["p95_ms"] is None


def test_slos_come_worst_first_with_the_same_counts_as_the_topology(client):
    statuses = client.get("/api/slos").json()
    (edge,) = [
        edge
        for edge in client.get("/api/topology").json()["edges"]
        if edge["destination"] == "cart"
    ]

    assert [status["state"] for status in statuses] == ["exhausted", "exhausted", "ok"]
    cart = next(status for status in statuses if status["name"] == "cart-availability")
    assert (cart["total"], cart["bad"]) == (edge["requests"], edge["errors"])


def test_one_slo_has_a_burn_down_that_ends_at_its_status(client):
    slo = client.get("/api/slos/cart-availability").json()
    series = slo["series"]

    assert len(series["bucket_s"]) == len(series["good"]) == len(series["budget_remaining"])
    assert sum(series["total"]) == slo["total"]
    assert series["budget_remaining"][-1] == pytest.approx(slo["budget_remaining_ratio"])


def test_an_slo_is_judged_as_of_the_end_of_the_range(client):
    early = client.get("/api/slos/cart-availability?to=now-1h&from=now-2h").json()

    assert early["state"] == "no_data"
    assert early["sli_ratio"] is None


def test_an_unknown_slo_is_a_404_that_names_it(client):
    answer = client.get("/api/slos/nope")

    assert answer.status_code == 404
    assert answer.json() == {
        "error": {"type": "not_found", "message": "There is no SLO named nope."}
    }


def test_an_unknown_api_path_and_a_wrong_method_have_the_same_shape(client):
    assert client.get("/api/nothing").json()["error"]["type"] == "not_found"
    assert client.request("POST", "/api/slos").json()["error"]["type"] == "method_not_allowed"


def test_health_tells_the_version_and_readiness_asks_the_store(client, store):
    assert client.get("/healthz").json() == {"status": "ok", "version": "1.2.3"}
    assert client.get("/readyz").status_code == 200

    store.close()

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "store_unavailable"


def test_a_crash_is_a_500_that_tells_nothing_of_the_inside(store):
    client = Visitor(create_app(deps(store)), raise_app_exceptions=False)
    store.close()

    answer = client.get("/api/topology")

    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "internal"


def test_openapi_lists_the_routes_and_no_page_loads_scripts_from_elsewhere(client):
    paths = client.get("/openapi.json").json()["paths"]

    assert {"/api/topology", "/api/services", "/api/slos", "/api/slos/{name}"} <= set(paths)
    assert client.get("/docs").status_code == 404
