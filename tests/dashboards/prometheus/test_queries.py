"""/api/v1/query and query_range: shapes, limits and errors are Prometheus's."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import httpx
import pytest

from dashboards.prometheus.execution import Pool
from dashboards.web.app import create_app
from tests.dashboards.web.seeded import NOW_S, deps
from tests.dashboards.web.serving import serve

WHO = {"instance": "cart-0", "job": "cart"}
NORTH = {"__name__": "app_orders_total", "shop_name": "north", **WHO}


def test_an_instant_vector_has_the_value_at_the_time(api):
    assert api.data("query", query="app_orders_total", time=NOW_S) == {
        "resultType": "vector",
        "result": [{"metric": NORTH, "value": [NOW_S, "60"]}],
    }


def test_without_a_time_it_is_now(api):
    (one,) = api.data("query", query="app_orders_total")["result"]

    assert one["value"] == [NOW_S, "60"]


def test_rates_of_what_was_exported_are_those_of_prometheus(api):
    assert api.value("rate(app_orders_total[30s])", 1_800_000_000) == 1
    assert api.value("histogram_quantile(0.5, app_wait_bucket)") == pytest.approx(0.0508, abs=1e-4)


def test_a_range_is_a_matrix_with_float_steps(api):
    found = api.data(
        "query_range", query="app_orders_total", start=NOW_S - 20.5, end=NOW_S, step="10s"
    )

    assert found["resultType"] == "matrix"
    (one,) = found["result"]
    assert one["metric"] == NORTH
    times = [NOW_S - 20.5, NOW_S - 10.5, NOW_S - 0.5]
    assert one["values"] == [[times[0], "30"], [times[1], "45"], [times[2], "60"]]


def test_a_range_vector_is_a_matrix_of_raw_samples(api):
    (one,) = api.data("query", query="app_orders_total[31s]", time=1_800_000_000)["result"]

    assert [value for _, value in one["values"]] == ["30", "45", "60"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("1+1", {"resultType": "scalar", "result": [4, "2"]}),
        ('"text"', {"resultType": "string", "result": [4, "text"]}),
        ("nothing", {"resultType": "vector", "result": []}),
    ],
)
def test_scalars_strings_and_nothing_have_their_shapes(api, query, expected):
    assert api.data("query", query=query, time=4) == expected


def test_a_post_takes_parameters_of_the_form_and_of_the_url(api):
    form = api.post("query", query="app_orders_total", time=NOW_S)
    url = api.post("query", {"query": "app_orders_total", "time": NOW_S})
    both = api.post("query", {"query": "2", "time": NOW_S}, query="app_orders_total")

    assert form.json() == url.json() == both.json()
    assert form.json()["data"]["result"][0]["value"][1] == "60"


@pytest.mark.parametrize(
    ("path", "asked", "status", "kind", "message"),
    [
        (
            "query",
            {"query": "sum("},
            400,
            "bad_data",
            'invalid parameter "query": 1:5: parse error',
        ),
        ("query", {}, 400, "bad_data", 'invalid parameter "query": '),
        ("query", {"query": "nothere(1)"}, 400, "bad_data", 'invalid parameter "query": '),
        ("query", {"query": "1", "time": "x"}, 400, "bad_data", 'invalid parameter "time"'),
        ("query", {"query": "1", "timeout": "x"}, 400, "bad_data", 'invalid parameter "timeout"'),
        ("query", {"query": "1", "limit": "-1"}, 400, "bad_data", 'invalid parameter "limit"'),
        (
            "query",
            {"query": "mesh_requests_total + on (source) mesh_requests_total"},
            422,
            "execution",
            "",
        ),
        ("query_range", {"query": "1"}, 400, "bad_data", 'invalid parameter "start"'),
        (
            "query_range",
            {"query": "1", "start": 0, "end": 20_000, "step": 1},
            400,
            "bad_data",
            "exceeded maximum resolution of 11,000 points per timeseries",
        ),
        (
            "query_range",
            {"query": "up[5m]", "start": 0, "end": 1, "step": 1},
            400,
            "bad_data",
            'invalid parameter "query": invalid expression type "range vector"',
        ),
        ("series", {}, 400, "bad_data", "no match[] parameter provided"),
        ("series", {"match[]": "{"}, 400, "bad_data", 'invalid parameter "match[]"'),
        ("labels", {"start": 2, "end": 1}, 400, "bad_data", 'invalid parameter "end"'),
        ("rules", {"type": "x"}, 400, "bad_data", "not supported value"),
    ],
)
def test_errors_have_a_type_a_status_and_a_text(api, path, asked, status, kind, message):
    answer = api.get(path, **asked)

    assert answer.status_code == status
    body = answer.json()
    assert body["status"] == "error"
    assert body["errorType"] == kind
    assert body["error"].startswith(message)


def test_a_timeout_of_nothing_ends_a_query_at_once(api):
    answer = api.get("query", query="mesh_requests_total", timeout="1ms", time=NOW_S)

    assert answer.status_code in {200, 503}
    if answer.status_code == 503:
        assert answer.json()["errorType"] == "timeout"


def test_a_limit_cuts_the_series_and_says_so(api):
    body = api.get("query", query="mesh_requests_total", time=NOW_S, limit=1).json()

    assert len(body["data"]["result"]) == 1
    assert body["warnings"] == ["results truncated due to limit"]
    whole = api.get("query", query="mesh_requests_total", time=NOW_S, limit=3).json()
    assert "warnings" not in whole


def test_notes_of_the_engine_come_along(api):
    body = api.get("query", query="rate(app_queue[1m])", time=NOW_S).json()

    assert any("might not be a counter" in told for told in body["infos"])


def test_stats_are_told_when_asked_for(api):
    asked = {"query": "app_orders_total", "time": NOW_S}

    stats = api.data("query", **asked, stats="all")["stats"]

    assert stats["samples"]["totalQueryableSamples"] == 5
    assert stats["timings"]["evalTotalTime"] > 0
    assert "stats" not in api.data("query", **asked)


def test_the_lookback_may_be_another(api):
    asked = {"query": "app_orders_total", "time": NOW_S + 10}

    assert api.data("query", **asked)["result"]
    assert not api.data("query", **asked, lookback_delta="5s")["result"]


def test_a_large_answer_is_the_same_in_chunks(api):
    """More than one chunk, and through the compression of the app."""
    wide = "sum by (le, __name__) ({__name__=~'.+_bucket'})"
    asked = {"start": NOW_S - 5000, "end": NOW_S, "step": 1}

    found = api.data("query_range", query=f"{wide} or vector(0)", **asked)["result"]

    assert all(len(one["values"]) <= 5001 for one in found)
    zero = [one for one in found if one["metric"] == {}]
    assert [len(one["values"]) for one in zero] == [5001]


def test_an_empty_store_answers(empty_api):
    assert empty_api.data("query", query="up", time=4)["result"] == []
    assert empty_api.data("labels") == []
    assert empty_api.data("metadata") != {}


def test_paths_that_are_none_are_told_so_in_plain_text(api):
    for path in ("nothing", "query/x", "status/nothing"):
        answer = api.get(path)
        assert answer.status_code == 404
        assert answer.text == "404 page not found\n"


def test_probes_of_prometheus_are_answered(api):
    assert api.visitor.get("/-/healthy").status_code == 200
    assert api.visitor.get("/-/ready").status_code == 200
    assert api.visitor.get("/-/quit").status_code == 404


SLOW = "sum(count_over_time((sum(mesh_requests_total))[30d:1s]))"


def test_a_query_ends_at_its_timeout(shop):
    with serve(create_app(deps(shop))) as url:
        began = time.monotonic()
        asked = {"query": SLOW, "time": NOW_S, "timeout": "300ms"}
        answer = httpx.get(f"{url}/api/v1/query", params=asked, timeout=60)

    assert answer.status_code == 503
    assert answer.json()["errorType"] == "timeout"
    assert time.monotonic() - began < 30


def test_a_query_ends_when_its_client_leaves(shop):
    """Its thread is free again: with one thread, the next query is answered."""
    app = create_app(deps(shop))
    backend = app.state.prometheus
    app.state.prometheus = type(backend)(
        *(getattr(backend, name) for name in ("store", "slos", "clock_s", "known")),
        pool=Pool(threads=ThreadPoolExecutor(1)),
        started_s=0,
    )
    with serve(app) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as left:
            asked = urlencode({"query": SLOW, "time": NOW_S})
            left.sendall(f"GET /api/v1/query?{asked} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(0.2)
        answer = httpx.get(f"{url}/api/v1/query", params={"query": "1"}, timeout=100)

    assert answer.status_code == 200
    assert json.loads(answer.text)["data"]["resultType"] == "scalar"
