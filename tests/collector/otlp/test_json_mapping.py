"""OTLP/JSON is the same request in other letters."""

import base64
import json

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.otlp.errors import MalformedPayload
from collector.otlp.json_mapping import json_to_protobuf
from tests.collector.exports import envoy

TRACES, METRICS, LOGS = (
    ExportTraceServiceRequest,
    ExportMetricsServiceRequest,
    ExportLogsServiceRequest,
)


def as_otlp_json(kind, body):
    """Turn protobuf's own mapping into OTLP's: enums as numbers, ids as hex."""

    def mend(value):
        if isinstance(value, list):
            return [mend(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            key: base64.b64decode(item).hex()
            if key in {"traceId", "spanId", "parentSpanId"}
            else mend(item)
            for key, item in value.items()
        }

    message = kind.FromString(body)
    return json.dumps(mend(json_format.MessageToDict(message, use_integers_for_enums=True)))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (TRACES, "A-16-canary-20pct__traces"),
        (TRACES, "A-05-timeout__traces"),
        (METRICS, "A-16-canary-20pct__metrics__fe"),
        (METRICS, "A-00"),
        (LOGS, "A-05-timeout__logs"),
    ],
)
def test_a_request_of_envoy_is_equal_in_both_encodings(kind, name):
    body = envoy(name)

    mapped = json_to_protobuf(kind, as_otlp_json(kind, body).encode())

    assert kind.FromString(mapped) == kind.FromString(body)


def span(text):
    body = '{"resourceSpans":[{"scopeSpans":[{"spans":[' + text + "]}]}]}"
    request = TRACES.FromString(json_to_protobuf(TRACES, body.encode()))
    return request.resource_spans[0].scope_spans[0].spans[0]


def test_ids_are_hex_in_either_case_and_bytes_values_base64():
    found = span(
        '{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174",'
        '"attributes":[{"key":"b","value":{"bytesValue":"AQI="}}]}'
    )

    assert found.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert found.attributes[0].value.bytes_value == b"\x01\x02"


@pytest.mark.parametrize("number", ["9007199254740993", '"9007199254740993"'])
def test_large_integers_keep_their_last_digit_as_number_or_text(number):
    found = span(
        f'{{"startTimeUnixNano":{number},'
        f'"attributes":[{{"key":"i","value":{{"intValue":{number}}}}}]}}'
    )

    assert found.start_time_unix_nano == 2**53 + 1
    assert found.attributes[0].value.int_value == 2**53 + 1


def test_unknown_and_snake_case_keys_are_ignored_and_null_is_unset():
    found = span('{"trace_id":"00","name":null,"colour":"red","kind":3,"status":{"code":2}}')

    assert (found.trace_id, found.name, found.kind, found.status.code) == (b"", "", 3, 2)


def test_named_doubles_and_nested_values_are_understood():
    found = span(
        '{"attributes":[{"key":"d","value":{"doubleValue":"-Infinity"}},'
        '{"key":"a","value":{"arrayValue":{"values":[{"boolValue":false},{}]}}}]}'
    )

    assert found.attributes[0].value.double_value == float("-inf")
    first, second = found.attributes[1].value.array_value.values
    assert (first.WhichOneof("value"), second.WhichOneof("value")) == ("bool_value", None)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '\ufeff{"resourceSpans":[]}',
        "{} {}",
        '{"resourceSpans":{}}',
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}',
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}',
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":-1}]}]}]}',
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1.5}]}]}]}',
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":7}]}]}]}',
        '{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":'
        + '{"arrayValue":{"values":[' * 100
        + "{}"
        + "]}}" * 100
        + "}]}}]}",
    ],
)
def test_what_is_no_otlp_json_is_malformed(body):
    with pytest.raises(MalformedPayload):
        json_to_protobuf(TRACES, body.encode())


def test_an_empty_object_is_an_empty_request():
    assert json_to_protobuf(TRACES, b"{}") == b""


def test_the_place_of_a_mistake_is_named():
    said = r"resourceSpans\[0\]\.schemaUrl: a string is expected"
    with pytest.raises(MalformedPayload, match=said):
        json_to_protobuf(TRACES, b'{"resourceSpans":[{"schemaUrl":1}]}')
