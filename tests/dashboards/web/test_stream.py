"""The live stream on a real socket: graph when something changed, tick when nothing did."""

import json

import httpx

from dashboards.web.app import create_app
from tests.collector.rollups import put
from tests.dashboards.web.seeded import CART, MINUTE_AGO_S, deps
from tests.dashboards.web.serving import serve


def events(answer):
    """Yield (event, data) of a stream of server-sent events."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_the_stream_sends_the_graph_then_ticks_then_the_changed_graph(empty_store):
    app = create_app(deps(empty_store), tick_s=0.02)
    with (
        serve(app) as base,
        httpx.stream("GET", f"{base}/api/topology/stream?window=5m", timeout=5) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        first, second = next(stream), next(stream)
        put(empty_store, CART, 1, [(MINUTE_AGO_S, 7, 7)])
        name, changed = next(event for event in stream if event[1].get("edges"))

    assert (first[0], first[1]["edges"]) == ("graph", [])
    assert second == ("tick", {})
    assert name == "graph"
    assert changed["edges"][0]["requests"] == 7


def test_a_server_that_goes_down_ends_the_stream_without_complaint(store, capfd):
    app = create_app(deps(store), tick_s=0.02)
    with httpx.Client(timeout=5) as client:
        with serve(app) as base:
            request = client.build_request("GET", f"{base}/api/topology/stream")
            answer = client.send(request, stream=True)
            next(events(answer))
        answer.close()

    assert "Traceback" not in capfd.readouterr().err
