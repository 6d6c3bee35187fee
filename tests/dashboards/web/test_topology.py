"""The graph as the API and the stream show it."""

import json
import threading

import pytest

from collector.store.store import open_store
from dashboards.web.timerange import parse_range
from dashboards.web.topology import SharedViews, read_view
from tests.collector.rollups import BACKEND, put
from tests.dashboards.web.seeded import MINUTE_AGO_S, NOW_S


def test_the_graph_has_every_service_and_counts_each_request_once(client):
    graph = client.get("/api/topology?from=now-15m&to=now").json()

    assert [node["id"] for node in graph["nodes"]] == ["cart", "external", "frontend", "idle"]
    (cart,) = [edge for edge in graph["edges"] if edge["id"] == "frontend>cart"]
    assert (cart["requests"], cart["errors"], cart["error_ratio"]) == (100, 20, 0.2)
    assert cart["codes"] == {"200": 80, "503": 20}
    assert cart["flags"] == {"-": 80, "UH": 20}
    assert cart["mtls_ratio"] == 1
    assert cart["retries"] == 25
    assert (cart["attempts"], cart["actual_error_ratio"]) == (125, pytest.approx(20 / 125))
    assert cart["evidence"] == {
        "reporters": ["source", "destination"],
        "signals": ["sli"],
        "counted_by": ["sli"],
        "is_estimated": False,
        "spans": 0,
        "span_coverage": 0,
        "sent": 125,
        "arrived": 105,
        "not_arrived": 20,
    }


def test_rates_are_over_the_time_that_was_measured(client):
    graph = client.get("/api/topology?from=now-15m&to=now").json()

    assert graph["from_s"] == MINUTE_AGO_S // 10 * 10
    assert graph["to_s"] == NOW_S // 10 * 10 + 10
    assert graph["rps_total"] == pytest.approx(200 / (graph["to_s"] - graph["from_s"]))


def test_a_range_before_the_first_data_is_empty_and_says_when_data_came(client):
    graph = client.get("/api/topology?from=now-2h&to=now-1h").json()

    assert graph["edges"] == []
    assert graph["rps_total"] == 0
    assert graph["last_bucket_s"] == MINUTE_AGO_S // 10 * 10


def test_an_empty_store_is_an_empty_graph(empty_client):
    graph = empty_client.get("/api/topology").json()

    assert (graph["nodes"], graph["edges"], graph["last_bucket_s"]) == ([], [], None)


def test_a_time_that_nobody_can_read_is_a_400_naming_the_parameter(client):
    answer = client.get("/api/topology?from=yesterday")

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "bad_time"
    assert answer.json()["error"]["message"].startswith("from=yesterday: ")


def test_the_stream_refuses_a_window_that_it_cannot_read(client):
    answer = client.get("/api/topology/stream?window=long")

    assert answer.status_code == 400
    assert "window=long" in answer.json()["error"]["message"]


def test_readers_of_one_moment_share_one_scan():
    with open_store() as store:
        put(store, BACKEND, 1, [(100, 5, 5)])
        clock = [0.0]
        views = SharedViews(store, kept_s=1, monotonic=lambda: clock[0])
        asked = parse_range("100", "110", now_s=NOW_S)
        first = views.read(asked)

        assert views.read(asked) is first
        clock[0] = 1.5
        assert views.read(asked) is not first


def test_many_threads_may_ask_at_once():
    with open_store() as store:
        put(store, BACKEND, 1, [(100, 5, 5)])
        views = SharedViews(store, kept_s=0)
        asked = parse_range("100", "110", now_s=NOW_S)
        seen = []
        readers = [
            threading.Thread(target=lambda: seen.append(views.read(asked).rps_total))
            for _ in range(8)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

        assert seen == [0.5] * 8


def test_the_view_is_json_of_the_graph_and_nothing_else(client, store):
    answered = json.loads(client.get("/api/topology").content)
    view = read_view(store, parse_range("now-15m", "now", now_s=NOW_S))

    assert answered["nodes"][0]["versions"] == list(view.nodes[0].versions)
    assert set(answered) == set(type(view).__dataclass_fields__)
