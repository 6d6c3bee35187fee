"""The calls of Grafana's Tempo data source, in its order, to a server that Envoys and SDKs fed."""

import base64

import pytest
from google.protobuf import json_format
from google.protobuf.internal.decoder import _DecodeVarint
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tests.collector.exports import ENVOY
from tests.dashboards.tracing import ENVOY_TIME_S, fed, server

__all__ = ["fed", "server"]  # fixtures
API = "/tempo/api"
RANGE = {"start": ENVOY_TIME_S - 3600, "end": ENVOY_TIME_S + 3600}
PROTOBUF = {"Accept": "application/protobuf"}
MIRRORED = "3d95b2af7a46a6d2714f1dbea52d0bb5"
"""A trace of the Envoy fixtures."""


def test_save_and_test_hears_an_echo(server):
    assert server.get(f"{API}/echo").text == "echo"
    assert server.get("/tempo/ready").status_code == 200
    assert server.json(f"{API}/status/buildinfo")["version"] == "2.6.0"


def unwrapped(body):
    """Return the first field of a message, which is all there is."""
    assert body[0] == 0x0A
    length, begin = _DecodeVarint(body, 1)
    assert begin + length == len(body)
    return body[begin:]


def sent_spans(trace_id):
    """Return what the proxies sent of a trace: (service instance, span), by span id."""
    found = {}
    for path in (ENVOY / "edges").glob("A-*traces*.pb"):
        for resource in ExportTraceServiceRequest.FromString(path.read_bytes()).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    if span.trace_id.hex() == trace_id:
                        found[span.span_id] = (resource.resource, span)
    return found


def normal(span):
    """Leave out what the store does not keep, and the order of attributes."""
    kept = type(span)()
    kept.CopyFrom(span)
    kept.ClearField("flags")
    kept.status.ClearField("message")
    attributes = sorted(kept.attributes, key=lambda pair: pair.key)
    kept.ClearField("attributes")
    kept.attributes.extend(attributes)
    return json_format.MessageToDict(kept)


@pytest.mark.parametrize("version", ["", "v2/"])
def test_a_trace_comes_in_protobuf_as_the_proxies_sent_it(server, version):
    answer = server.get(f"{API}/{version}traces/{MIRRORED}", params=RANGE, headers=PROTOBUF)
    body = unwrapped(answer.content) if version else answer.content
    given = {
        span.span_id: (resource.resource, span)
        for resource in TracesData.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    sent = sent_spans(MIRRORED)

    assert answer.headers["content-type"] == "application/protobuf"
    assert given.keys() == sent.keys()
    for span_id, (resource, span) in sent.items():
        assert normal(given[span_id][1]) == normal(span)
        pairs = {pair.key: pair.value.string_value for pair in given[span_id][0].attributes}
        assert pairs == {pair.key: pair.value.string_value for pair in resource.attributes}


def test_json_says_what_protobuf_says(server):
    proto = server.get(f"{API}/traces/{server.checkout}", headers=PROTOBUF).content
    batches = server.json(f"{API}/traces/{server.checkout}")["batches"]
    spans = server.json(f"{API}/v2/traces/{server.checkout}")["trace"]["resourceSpans"]

    assert spans == batches
    read = json_format.ParseDict({"resourceSpans": spans}, TracesData())
    for resource in read.resource_spans:
        resource.scope_spans[0].ClearField("scope")
    assert json_format.MessageToDict(read) == json_format.MessageToDict(
        TracesData.FromString(proto)
    )
    first = spans[0]["scopeSpans"][0]["spans"][0]
    assert base64.b64decode(first["traceId"]).hex() == server.checkout


def test_an_unknown_trace_is_a_404_and_no_id_a_400(server):
    for version in ("", "v2/"):
        assert server.get(f"{API}/{version}traces/1f", headers=PROTOBUF).status_code == 404
        assert server.get(f"{API}/{version}traces/xyz").status_code == 400


def test_a_traceql_search_lists_traces_with_their_matching_spans(server):
    query = '{ resource.service.name = "bank" && status = error } | select(span.x)'
    found = server.json(f"{API}/search", params={"q": query, "limit": 20, "spss": 3, **RANGE})
    (one,) = found["traces"]
    ((span,),) = [spans["spans"] for spans in one["spanSets"]]

    assert one["traceID"] == server.checkout
    assert (one["rootServiceName"], one["rootTraceName"]) == ("shop", "POST /checkout")
    assert one["durationMs"] == 22
    assert one["spanSets"][0]["matched"] == 1
    assert one["serviceStats"]["bank"] == {"spanCount": 1, "errorCount": 1}
    assert span["durationNanos"] == "6000000"
    assert span["startTimeUnixNano"] == one["startTimeUnixNano"]
    assert span["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "bank"}},
        {"key": "status", "value": {"stringValue": "error"}},
    ]


@pytest.mark.parametrize(
    ("asked", "traces"),
    [
        ({"q": "{}"}, 13),
        ({"q": "{}", "limit": 4}, 4),
        ({"q": '{ name = "mirror" }'}, 1),
        ({"q": "{ span.http.status_code = 503 }"}, 8),
        ({"q": "{ rootServiceName = `shop` && duration > 10ms }"}, 1),
        ({"q": "{ traceDuration > 200ms } | count() > 3"}, 2),
        ({"q": '{ .x-case = "retry-ok" } && { span.http.status_code = 503 }'}, 2),
        ({"q": "{}", "start": RANGE["end"], "end": RANGE["end"] + 60}, 0),
        ({"tags": "service.name=FRONT", "minDuration": "100ms"}, 2),
        ({"tags": "x-case=RETRY", "maxDuration": "20ms"}, 2),
    ],
)
def test_searches_find_what_they_ask_for(server, asked, traces):
    found = server.json(f"{API}/search", params={**RANGE, **asked})

    assert len(found["traces"]) == traces
    assert found["metrics"]["inspectedTraces"] >= traces


def test_no_more_spans_than_asked_for_are_listed(server):
    (one,) = server.json(f"{API}/search", params={"q": '{ name = "mirror" } || {}', "limit": 1})[
        "traces"
    ]
    (few,) = server.json(f"{API}/search", params={"q": "{}", "limit": 1, "spss": 2})["traces"]

    assert len(one["spanSets"][0]["spans"]) == 3
    assert (len(few["spanSets"][0]["spans"]), few["spanSets"][0]["matched"] > 2) == (2, True)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"q": "{ name = }"}, "TraceQL, at character 10: expected a field or a value, got '}'"),
        ({"q": "{} | rate()"}, "TraceQL, at character 6: expected count()"),
        ({"q": "{}", "limit": "x"}, "parameter 'limit' is a whole number"),
        ({"tags": "x", "start": 1}, "parameter 'tags'"),
        ({"start": "yesterday"}, "parameter 'start'"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(server, asked, message):
    answer = server.get(f"{API}/search", params=asked)

    assert answer.status_code == 400
    assert answer.text.startswith(message)


def test_the_query_builder_completes_names_and_values(server):
    scopes = {one["name"]: one["tags"] for one in server.json(f"{API}/v2/search/tags")["scopes"]}
    assert {"service.name", "host.name"} <= set(scopes["resource"])
    assert {"http.status_code", "amount", "x-case"} <= set(scopes["span"])
    assert {"name", "status", "kind", "duration", "rootName"} <= set(scopes["intrinsic"])
    (span,) = server.json(f"{API}/v2/search/tags?scope=span")["scopes"]
    assert span == {"name": "span", "tags": scopes["span"]}
    names = server.json(f"{API}/search/tags")["tagNames"]
    assert {"service.name", "x-case"} <= set(names)


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("resource.service.name", [("string", "backend"), ("string", "bank")]),
        ("span.x-case", [("string", "cb"), ("string", "mirror")]),
        (".amount", [("float", "12.5")]),
        ("span.express", [("bool", "true")]),
        ("span.http.response.status_code", [("int", "500")]),
        ("status", [("keyword", "unset"), ("keyword", "ok")]),
        ("kind", [("keyword", "unspecified"), ("keyword", "internal")]),
        ("name", [("string", "POST /charge"), ("string", "POST /checkout")]),
        ("rootServiceName", [("string", "backend"), ("string", "bank")]),
        ("span%2Ex-case", [("string", "cb"), ("string", "mirror")]),
        ("span.absent", []),
    ],
)
def test_values_come_with_their_types(server, tag, values):
    found = server.json(f"{API}/v2/search/tag/{tag}/values")["tagValues"]

    assert [(one["type"], one["value"]) for one in found[:2]] == values


def test_the_old_form_completes_values_by_bare_names(server):
    found = server.json(f"{API}/search/tag/service.name/values")["tagValues"]
    assert {"frontend", "shop"} <= set(found)
    assert server.json(f"{API}/search/tag/amount/values")["tagValues"] == ["12.5"]
