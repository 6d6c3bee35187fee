"""OTLP conformance of JSON: points J of the checklist, over HTTP and at the mapper."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.otlp.errors import MalformedPayload
from collector.otlp.json_mapping import MAX_DEPTH, json_to_protobuf
from collector.otlp.traces import decode_traces
from tests.collector.exports import T0, envoy, span_request
from tests.collector.otlp.test_json_mapping import as_otlp_json
from tests.collector.receiver.conformance.rig import BAD, JSON, PROTOBUF, json_request, json_span

EXAMPLES = Path(__file__).with_name("examples")
KINDS = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


def post(node, body, name="traces"):
    return node.http.post(f"/v1/{name}", content=body, headers=JSON)


def accept(node, body, name="traces"):
    """Post a request that must succeed whole."""
    reply = post(node, body, name)
    assert (reply.status_code, reply.content) == (200, b"{}")


def refuse(node, body, name="traces"):
    """Post a request that must be malformed; return what is said."""
    reply = post(node, body, name)
    assert reply.status_code == 400
    return reply.json()["message"]


def mapped(text, name="traces"):
    return KINDS[name].FromString(json_to_protobuf(KINDS[name], text.encode()))


def span(text):
    request = mapped('{"resourceSpans":[{"scopeSpans":[{"spans":[' + text + "]}]}]}")
    return request.resource_spans[0].scope_spans[0].spans[0]


def value(text):
    return span('{"attributes":[{"key":"a","value":' + text + "}]}").attributes[0].value


def test_j01_ids_are_hex_in_either_case(node):
    name = "j01"
    ids = {"traceId": "AbCd" * 8, "spanId": "Ef" * 8, "parentSpanId": "0a" * 8}
    accept(node, json_request(json_span(name=name, **ids)))

    assert node.count("spans", f"trace_hi = {0xABCDABCDABCDABCD} AND parent_id = {0x0A * (2**64 // 255)}") == 1  # fmt: skip  # noqa: E501


def test_j01_ids_of_links_logs_and_exemplars_are_hex_too():
    link = span('{"links":[{"traceId":"FF00","spanId":"0f"}]}').links[0]
    record = mapped(
        '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"Aa","spanId":"bB"}]}]}]}', "logs"
    )
    point = mapped(
        '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"exemplars":'
        '[{"traceId":"0102","spanId":"03"}]}]}}]}]}]}',
        "metrics",
    )
    log = record.resource_logs[0].scope_logs[0].log_records[0]
    metric = point.resource_metrics[0].scope_metrics[0].metrics[0]
    exemplar = metric.sum.data_points[0].exemplars[0]

    assert (link.trace_id, link.span_id) == (b"\xff\x00", b"\x0f")
    assert (log.trace_id, log.span_id) == (b"\xaa", b"\xbb")
    assert (exemplar.trace_id, exemplar.span_id) == (b"\1\2", b"\3")


@pytest.mark.parametrize("identity", ["xyz", "abc", "AQIDBAUGBwgJCgsMDQ4PEA=="])
def test_j01_what_is_not_hex_is_malformed(node, identity):
    assert "traceId" in refuse(node, json_request(json_span(traceId=identity)))


@pytest.mark.parametrize("text", ["+/8=", "-_8=", "-_8"])
def test_j01_other_bytes_are_base64(text):
    assert value(f'{{"bytesValue":"{text}"}}').bytes_value == b"\xfb\xff"


def test_j02_enums_are_integers(node):
    accept(node, json_request(json_span(name="j02", kind=3, status={"code": 2})))

    assert node.count("spans JOIN strings ON name_id = string_id",
                      "value = 'j02' AND kind = 3 AND status = 2") == 1  # fmt: skip


@pytest.mark.parametrize("kind", ["SPAN_KIND_SERVER", "2", 2.5, True])
def test_j02_names_of_enums_are_refused(node, kind):
    assert "kind" in refuse(node, json_request(json_span(kind=kind)))


def test_j03_unknown_keys_are_ignored(node):
    document = json.loads(json_request(json_span(name="j03", colour={"r": [1, None]})))
    accept(node, json.dumps(document | {"future": 1}).encode())

    assert node.named("j03") == 1


def test_j04_snake_case_is_unknown(node):
    accept(node, b'{"resource_spans":[{"scope_spans":[{"spans":[{}]}]}]}')
    found = span('{"trace_id":"00","start_time_unix_nano":"5","name":"x"}')

    assert (found.trace_id, found.start_time_unix_nano, found.name) == (b"", 0, "x")


@pytest.mark.parametrize("form", [str, '"{}"'.format])
@given(number=st.integers(-(2**63), 2**63 - 1))
def test_j05_integers_are_exact_as_number_and_as_text(form, number):
    assert value(f'{{"intValue":{form(number)}}}').int_value == number


@pytest.mark.parametrize("form", [str, '"{}"'.format])
def test_j05_unsigned_integers_reach_their_end(form):
    assert span(f'{{"endTimeUnixNano":{form(2**64 - 1)}}}').end_time_unix_nano == 2**64 - 1


@pytest.mark.parametrize(
    "number", ["1.5", "1e3", '"1.0"', '" 1"', '"1_0"', '"0x1"', '""', "true", str(2**64), "-1"]
)
def test_j05_what_is_no_integer_is_malformed(node, number):
    body = json_request(json_span(startTimeUnixNano="@")).replace(b'"@"', number.encode())
    assert "startTimeUnixNano" in refuse(node, body)


def test_j05_counts_and_buckets_may_be_text_or_numbers():
    point = {"count": "3", "bucketCounts": ["1", 2], "explicitBounds": [1], "flags": "1"}
    metric = {"histogram": {"dataPoints": [point], "aggregationTemporality": 2}}
    request = mapped(
        json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}), "metrics"
    )
    found = request.resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]

    assert (found.count, list(found.bucket_counts), found.flags) == (3, [1, 2], 1)


def test_j05_integers_are_emitted_as_text(node):
    body = json_request(json_span(), json_span(spanId=""))
    assert post(node, body).json()["partialSuccess"]["rejectedSpans"] == "1"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('"Infinity"', math.inf),
        ('"-Infinity"', -math.inf),
        ("1", 1.0),
        ("-2.5e3", -2500.0),
        ('"2.5"', 2.5),
    ],
)
def test_j06_doubles_are_numbers_or_named(text, number):
    assert value(f'{{"doubleValue":{text}}}').double_value == number


def test_j06_a_double_may_be_nan():
    assert math.isnan(value('{"doubleValue":"NaN"}').double_value)


@pytest.mark.parametrize("text", ["NaN", '"nan"', '"inf"', '"1_0"', '""', "false", "[]"])
def test_j06_other_names_are_malformed(text):
    with pytest.raises(MalformedPayload):
        value(f'{{"doubleValue":{text}}}')


def test_j07_null_is_unset(node):
    span_of_nulls = json_span(name="j07", kind=None, status=None, attributes=None, links=None)
    accept(node, json_request(span_of_nulls))

    assert node.named("j07") == 1
    assert value("null").WhichOneof("value") is None


def test_j08_an_empty_body_is_no_json(node):
    assert "not JSON" in refuse(node, b"")


@pytest.mark.parametrize("name", list(KINDS))
def test_j08_an_empty_object_and_empty_protobuf_are_empty_requests(node, name):
    accept(node, b"{}", name)
    reply = node.http.post(f"/v1/{name}", content=b"", headers=PROTOBUF)
    assert (reply.status_code, reply.content) == (200, b"")


def test_j09_values_nest():
    found = value(
        '{"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":'
        '[{"stringValue":""},{"boolValue":false},{}]}}}]}}'
    )
    items = found.kvlist_value.values[0].value.array_value.values
    assert [item.WhichOneof("value") for item in items] == ["string_value", "bool_value", None]


def test_j09_an_empty_value_is_stored_as_null(node):
    attributes = [{"key": "nothing", "value": {}}]
    accept(node, json_request(json_span(name="j09", attributes=attributes)))

    where = "value = 'j09' AND attributes LIKE '%\"nothing\":null%'"
    assert node.count("spans JOIN strings ON name_id = string_id", where) == 1


def nested(levels):
    """Return a request with a value that is an array of an array of..."""
    inner = {"stringValue": "x"}
    for _ in range(levels):
        inner = {"arrayValue": {"values": [inner]}}
    return json_request(json_span(name="j10", attributes=[{"key": "a", "value": inner}]))


def test_j10_values_nest_as_deep_as_protobuf_can_be_read(node):
    levels = (MAX_DEPTH - 6) // 2
    accept(node, nested(levels))

    assert node.named("j10") == 1
    assert "nested deeper than 96" in refuse(node, nested(levels + 1))


@pytest.mark.parametrize("body", [nested(200), b"[" * 10**6, b'{"a":' * 10**6])
def test_j10_bottomless_nesting_is_malformed(node, body):
    assert refuse(node, body)


def test_j11_of_equal_keys_the_last_counts():
    assert span('{"name":"first","name":"last"}').name == "last"


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf{}", b"{}x", b"{} {}", b"{},", b'{"a":1,}'])
def test_j12_a_mark_before_or_text_behind_is_malformed(node, body):
    assert "not JSON" in refuse(node, body)


@pytest.mark.parametrize("body", [b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"{'a':1}"])
def test_j12_text_that_is_no_json_is_malformed(node, body):
    assert "not JSON" in refuse(node, body)


def test_j13_lines_of_json_are_not_a_request(node):
    line = json_request(json_span())
    refuse(node, line + b"\n" + line)
    reply = node.http.post(
        "/v1/traces", content=line, headers={"Content-Type": "application/x-ndjson"}
    )
    assert reply.status_code == 415


@pytest.mark.parametrize(
    ("name", "fixture"),
    [
        ("traces", "A-16-canary-20pct__traces"),
        ("metrics", "A-16-canary-20pct__metrics__fe"),
        ("logs", "A-05-timeout__logs"),
    ],
)
def test_j14_a_request_of_a_real_envoy_is_the_same_in_json(node, name, fixture):
    body = envoy(fixture)
    text = as_otlp_json(KINDS[name], body).encode()

    assert KINDS[name].FromString(json_to_protobuf(KINDS[name], text)) == KINDS[name].FromString(body)  # fmt: skip  # noqa: E501
    reply = post(node, text, name)
    assert reply.status_code == 200


@given(
    name=st.text(max_size=20),
    number=st.integers(-(2**63), 2**63 - 1),
    real=st.floats(),
    kind=st.integers(0, 5),
    identity=st.binary(max_size=16),
)
def test_j14_json_and_protobuf_are_the_same_for_any_span(name, number, real, kind, identity):
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(
        name=name, kind=kind, trace_id=identity, start_time_unix_nano=T0
    )
    made = request.resource_spans[0].scope_spans[0].spans[0]
    made.attributes.add(key="i").value.int_value = number
    made.attributes.add(key="d").value.double_value = math.nan if math.isnan(real) else real
    made.attributes.add(key="b").value.bytes_value = identity
    body = request.SerializeToString()

    text = as_otlp_json(ExportTraceServiceRequest, body).encode()
    assert json_to_protobuf(ExportTraceServiceRequest, text) == body


def test_j14_what_is_rejected_is_the_same_in_json(node):
    bodies = span_request() + BAD["traces"]
    text = as_otlp_json(ExportTraceServiceRequest, bodies).encode()

    assert decode_traces(json_to_protobuf(KINDS["traces"], text)).rejected == 1
    assert post(node, text).json()["partialSuccess"]["rejectedSpans"] == "1"


EXAMPLE_SIGNALS = {"traces": "traces", "metrics": "metrics", "logs": "logs", "events": "logs"}


@pytest.mark.parametrize(("example", "name"), EXAMPLE_SIGNALS.items())
def test_j14_an_example_of_each_signal_loads_with_every_field_it_has(node, example, name):
    text = (EXAMPLES / f"{example}.json").read_text("utf-8")
    reply = post(node, text.encode(), name)
    assert (reply.status_code, reply.content) == (200, b"{}")

    found = as_otlp_json(KINDS[name], json_to_protobuf(KINDS[name], text.encode()))
    assert _leaves(json.loads(found)) == _leaves(json.loads(text))


def _leaves(value, at=()):
    """Return all that is said: by its place, as text, and unset when empty or zero."""
    if isinstance(value, dict):
        return {leaf for key, item in value.items() for leaf in _leaves(item, (*at, key))}
    if isinstance(value, list):
        return {leaf for i, item in enumerate(value) for leaf in _leaves(item, (*at, i))}
    if value in ("", 0):
        return set()
    return {
        (
            at,
            str(value).lower()
            if isinstance(value, str | bool)
            else f"{value:g}"
            if isinstance(value, float)
            else str(value),
        )
    }


@pytest.mark.parametrize(
    ("example", "table", "where"),
    [
        ("traces", "spans", f"span_id = {0x00F067AA0BA902B7} AND is_error"),
        ("metrics", "metric_points", "value_int = 9007199254740993"),
        ("metrics", "exemplars", "value_double = 1.4"),
        ("logs", "logs", "severity = 17 AND body LIKE '%order 17%'"),
        ("events", "logs", "event_name = 'shop.page.left'"),
    ],
)
def test_j14_what_an_example_says_is_stored(node, example, table, where):
    body = (EXAMPLES / f"{example}.json").read_bytes()
    assert post(node, body, EXAMPLE_SIGNALS[example]).status_code == 200

    assert node.count(table, where) == 1


@pytest.mark.parametrize(("example", "name"), EXAMPLE_SIGNALS.items())
def test_j14_an_example_is_the_same_request_in_protobuf(node, example, name):
    text = (EXAMPLES / f"{example}.json").read_bytes()
    post(node, text, name)
    body = KINDS[name].FromString(json_to_protobuf(KINDS[name], text)).SerializeToString()
    before = node.count("export_requests")
    reply = node.http.post(f"/v1/{name}", content=body, headers=PROTOBUF)

    assert (reply.status_code, node.count("export_requests")) == (200, before)
