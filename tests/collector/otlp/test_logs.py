"""Log records decoded."""

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.otlp.attributes import MAX_TEXT, TRUNCATED
from collector.otlp.batch import Scope
from collector.otlp.errors import MalformedPayload
from collector.otlp.logs import JSON_BODY, NO_BODY, TEXT_BODY, decode_logs
from tests.collector.exports import T0, envoy


def test_an_access_log_record_of_envoy_keeps_its_ids_and_attributes():
    (row,) = decode_logs(envoy("A-05-timeout__logs")).logs.to_pylist()

    assert f"{row['trace_hi']:016x}" == "439e2db82c9b5ed0"
    assert row["time_ns"] == 1_795_405_724_614_658_000
    assert json.loads(row["attributes"])["envoy.response_flags"] == "DR"


def log_request(**fields):
    message = ExportLogsServiceRequest()
    scope_logs = message.resource_logs.add().scope_logs.add()
    return message, scope_logs, scope_logs.log_records.add(**fields)


def test_a_record_without_time_or_ids_is_kept_with_what_it_has():
    message, _, record = log_request(
        observed_time_unix_nano=T0, trace_id=b"short", severity_number=9
    )
    record.body.kvlist_value.values.add(key="a").value.int_value = 1

    (row,) = decode_logs(message.SerializeToString()).logs.to_pylist()

    assert (row["time_ns"], row["trace_hi"], row["severity"]) == (T0, None, 9)
    assert (row["body_type"], row["body"]) == (JSON_BODY, '{"a":1}')


def test_a_record_is_kept_whole():
    message, scope_logs, _ = log_request(
        time_unix_nano=T0,
        observed_time_unix_nano=T0 + 1,
        severity_number=17,
        severity_text="ERROR",
        event_name="payment.failed",
        flags=0x101,
        dropped_attributes_count=3,
        trace_id=b"\x01" * 16,
    )
    scope_logs.scope.name, scope_logs.scope.version = "shop", "1.2"
    scope_logs.scope.attributes.add(key="k").value.bool_value = True

    batch = decode_logs(message.SerializeToString())
    (row,) = batch.logs.to_pylist()

    assert (row["time_ns"], row["observed_ns"]) == (T0, T0 + 1)
    assert (row["severity"], row["severity_text"], row["event_name"]) == (
        17,
        "ERROR",
        "payment.failed",
    )
    assert (row["flags"], row["dropped_attributes"]) == (0x101, 3)
    assert (row["trace_hi"], row["span_id"]) == (0x0101010101010101, None)
    assert batch.scopes[row["scope"]] == Scope("shop", "1.2", '{"k":true}')


@pytest.mark.parametrize(
    ("field", "value", "kind", "text"),
    [
        ("string_value", '{"a":1}', TEXT_BODY, '{"a":1}'),
        ("string_value", "", TEXT_BODY, ""),
        ("int_value", 7, JSON_BODY, "7"),
        ("bool_value", False, JSON_BODY, "false"),
        ("double_value", 0.5, JSON_BODY, "0.5"),
        ("bytes_value", b"\0\1", JSON_BODY, '"AAE="'),
        (None, None, NO_BODY, ""),
    ],
)
def test_a_body_of_any_type_tells_which_it_was(field, value, kind, text):
    message, _, record = log_request(time_unix_nano=T0)
    if field:
        setattr(record.body, field, value)

    (row,) = decode_logs(message.SerializeToString()).logs.to_pylist()

    assert (row["body_type"], row["body"]) == (kind, text)


def test_what_is_longer_than_anyone_reads_is_cut_and_the_sender_told():
    message, _, record = log_request(time_unix_nano=T0)
    record.body.string_value = "b" * 10**7
    record.attributes.add(key="a").value.string_value = "a" * 10**7

    batch = decode_logs(message.SerializeToString())
    (row,) = batch.logs.to_pylist()

    assert len(row["body"]) == MAX_TEXT
    assert len(json.loads(row["attributes"])["a"]) == MAX_TEXT
    assert (batch.rejected, batch.warnings) == (0, {TRUNCATED: 2})
    assert batch.message == f"2 x {TRUNCATED}"


def test_a_truncated_body_is_malformed():
    with pytest.raises(MalformedPayload):
        decode_logs(envoy("A-05-timeout__logs")[:-1])
