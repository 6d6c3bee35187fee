"""The calls of Grafana's Jaeger data source, in its order, to a server that Envoys and SDKs fed."""

import json

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.store import reader
from collector.store.traces import trace
from collector.traces.trace import trace_of
from dashboards.web.trace_parameters import read_trace_id
from tests.collector.exports import ENVOY
from tests.dashboards.tracing import ENVOY_TIME_S, fed, server

__all__ = ["fed", "server"]  # fixtures
API = "/jaeger/api"
RANGE = {"start": (ENVOY_TIME_S - 3600) * 10**6, "end": (ENVOY_TIME_S + 3600) * 10**6}


def tags(of):
    return {tag["key"]: (tag["type"], tag["value"]) for tag in of["tags"]}


def test_save_and_test_lists_the_services(server):
    assert server.json(f"{API}/services") == {
        "data": ["backend", "bank", "frontend", "shop"],
        "total": 4,
        "limit": 0,
        "offset": 0,
        "errors": None,
    }


def test_the_search_form_offers_operations(server):
    assert server.json(f"{API}/services/shop/operations")["data"] == ["POST /checkout", "charge"]
    assert server.json(f"{API}/services/nobody%2Fhere/operations")["data"] == []
    assert server.json(f"{API}/operations?service=shop")["data"] == [
        {"name": "POST /checkout", "spanKind": "server"},
        {"name": "charge", "spanKind": "client"},
    ]
    assert server.json(f"{API}/operations?service=shop&spanKind=client")["total"] == 1


def test_a_search_gives_whole_traces_newest_first(server):
    found = server.json(f"{API}/traces", params={"service": "frontend", "limit": 20, **RANGE})
    starts = [min(span["startTime"] for span in one["spans"]) for one in found["data"]]

    sent = {
        (span.trace_id.hex(), span.span_id.hex())
        for path in (ENVOY / "edges").glob("A-*traces*.pb")
        for resource in ExportTraceServiceRequest.FromString(path.read_bytes()).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    given = {(span["traceID"], span["spanID"]) for one in found["data"] for span in one["spans"]}
    assert given == sent
    assert starts == sorted(starts, reverse=True)


@pytest.mark.parametrize(
    ("asked", "traces"),
    [
        ({"service": "frontend", "limit": 2}, 2),
        ({"service": "frontend", "operation": "mirror"}, 1),
        ({"service": "backend", "tags": json.dumps({"http.status_code": "503"})}, 3),
        ({"service": "backend", "tags": 'http.status_code=503 x-case="retry-ok"'}, 2),
        ({"service": "backend", "tag": ["http.status_code:503", "x-case:retry-ok"]}, 2),
        ({"service": "frontend", "tags": '{"error":"true"}'}, 9),
        ({"service": "backend", "tags": '{"span.kind":"server","service.version":"v2"}'}, 1),
        ({"service": "shop", "minDuration": "20ms", "maxDuration": "0.02s"}, 1),
        ({"service": "shop", "minDuration": "20.001ms"}, 0),
        ({"service": "shop", "start": RANGE["end"], "end": RANGE["end"] + 1}, 0),
        ({"service": "bank", "tags": '{"otel.status_code":"ERROR"}'}, 1),
    ],
)
def test_each_field_of_the_form_narrows_the_search(server, asked, traces):
    assert server.json(f"{API}/traces", params={**RANGE, **asked})["total"] == traces


def test_a_trace_of_an_sdk_comes_as_it_was_sent(server):
    (found,) = server.json(f"{API}/traces/{server.checkout}")["data"]
    root, call, charge = sorted(found["spans"], key=lambda span: -span["duration"])
    processes = {key: one["serviceName"] for key, one in found["processes"].items()}

    assert found["traceID"] == server.checkout
    assert [processes[span["processID"]] for span in (root, call, charge)] == [
        "shop",
        "shop",
        "bank",
    ]
    assert root["references"] == []
    assert call["references"] == [
        {"refType": "CHILD_OF", "traceID": server.checkout, "spanID": root["spanID"]},
        {"refType": "FOLLOWS_FROM", "traceID": f"{0xABC:032x}", "spanID": f"{0xDEF:016x}"},
    ]
    assert (root["duration"], call["startTime"] - root["startTime"]) == (20_000, 2_000)
    assert tags(call)["amount"] == ("float64", 12.5)
    assert tags(call)["express"] == ("bool", True)
    assert tags(call)["items"] == ("string", "[1,2]")
    assert tags(charge)["http.response.status_code"] == ("int64", 500)
    assert tags(charge)["span.kind"] == ("string", "server")
    assert tags(charge)["otel.status_code"] == ("string", "ERROR")
    assert tags(charge)["error"] == ("bool", True)
    assert "error" not in tags(root)
    assert charge["logs"] == [
        {
            "timestamp": root["startTime"],
            "fields": [
                {"key": "event", "type": "string", "value": "declined"},
                {"key": "code", "type": "int64", "value": 51},
            ],
        }
    ]
    assert tags(found["processes"][root["processID"]])["host.name"] == ("string", "shop-host")


def test_a_late_clock_is_mended_unless_raw_is_asked_for(server):
    def charge(**params):
        (found,) = server.json(f"{API}/traces/{server.checkout}", params=params)["data"]
        start = min(span["startTime"] for span in found["spans"] if not span["references"])
        (span,) = [one for one in found["spans"] if one["operationName"] == "POST /charge"]
        return span["startTime"] - start, span["warnings"]

    assert charge() == (4_000, ["clock skew: the span was moved by +6.000 ms"])
    assert charge(raw="true") == (-2_000, None)


def test_an_unknown_trace_is_a_404_and_no_id_a_400(server):
    unknown = server.get(f"{API}/traces/1f", params={"start": 1, "end": 2})
    assert unknown.status_code == 404
    assert unknown.json() == {
        "data": None,
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": [{"code": 404, "msg": "trace not found"}],
    }
    assert server.get(f"{API}/traces/xyz").status_code == 400
    assert server.get(f"{API}/traces/00").status_code == 400


def test_a_time_range_does_not_hide_a_trace_that_is_known(server):
    hints = {"start": 1, "end": 2}
    assert server.json(f"{API}/traces/{server.checkout}", params=hints)["data"]


def test_several_traces_come_in_the_order_asked_for_with_what_is_missing(server):
    envoy = server.json(f"{API}/traces?service=frontend&limit=1")["data"][0]["traceID"]
    asked = [server.checkout.lstrip("0"), "1f", envoy]
    found = server.json(f"{API}/traces", params={"traceID": asked})

    assert [one["traceID"] for one in found["data"]] == [server.checkout, envoy]
    assert found["errors"] == [{"code": 404, "msg": "trace not found", "traceID": "1f"}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "parameter 'service' is required"),
        ("service=a&limit=x", "parameter 'limit' is a whole number, got 'x'"),
        ("service=a&limit=0", "parameter 'limit' is from 1 to"),
        ("service=a&minDuration=5", "parameter 'minDuration' is a duration such as 1.2ms"),
        ("service=a&start=-1", "parameter 'start' is from 0 to"),
        ("service=a&tags={bad", "parameter 'tags' is no JSON object"),
        ("service=a&tags=bad", "parameter 'tags' is a JSON object or key=value, got 'bad'"),
        ("service=a&tag=bad", "parameter 'tag' is key:value, got 'bad'"),
        ("traceID=zz", "a trace id is 1 to 32 hexadecimal digits"),
    ],
)
def test_a_bad_parameter_is_named(server, query, message):
    answer = server.get(f"{API}/traces?{query}")

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["code"] == 400
    assert error["msg"].startswith(message)


def test_dependencies_are_the_counts_of_the_topology(server):
    to_s = ENVOY_TIME_S + 60
    asked = {"endTs": to_s * 1000, "lookback": 3_600_000}
    found = server.json(f"{API}/dependencies", params=asked)["data"]
    with server.store.snapshot() as cursor:
        by = ("source", "destination")
        counted = reader.edge_counts(cursor, to_s - 3600, to_s, by=by).to_pylist()

    assert found == [
        {
            "parent": row["source"],
            "child": row["destination"],
            "callCount": row["requests"],
        }
        for row in counted
    ]
    assert {"parent": "frontend", "child": "backend", "callCount": 10} in found
    assert server.json(f"{API}/dependencies?endTs=1000&lookback=5000")["data"] == []
    assert server.get(f"{API}/dependencies?endTs=x").status_code == 400


def test_the_numbers_are_those_of_the_store(server):
    stored = trace_of(trace(server.store, *read_trace_id(server.checkout)))
    (found,) = server.json(f"{API}/traces/{server.checkout}?raw=true")["data"]

    assert [span["startTime"] for span in found["spans"]] == [
        start // 1000 for start in stored["start_ns"]
    ]
    assert [span["duration"] for span in found["spans"]] == [
        duration // 1000 for duration in stored["duration_ns"]
    ]
