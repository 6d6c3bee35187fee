"""Log records decoded."""

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.otlp.errors import MalformedPayload
from collector.otlp.logs import decode_logs
from tests.collector.exports import T0, envoy


def test_an_access_log_record_of_envoy_keeps_its_ids_and_attributes():
    (row,) = decode_logs(envoy("A-05-timeout__logs")).logs.to_pylist()

    assert f"{row['trace_hi']:016x}" == "439e2db82c9b5ed0"
    assert row["time_ns"] == 1_795_405_724_614_658_000
    assert json.loads(row["attributes"])["envoy.response_flags"] == "DR"


def test_a_record_without_time_or_ids_is_kept_with_what_it_has():
    message = ExportLogsServiceRequest()
    record = (
        message.resource_logs.add()
        .scope_logs.add()
        .log_records.add(observed_time_unix_nano=T0, trace_id=b"short", severity_number=9)
    )
    record.body.kvlist_value.values.add(key="a").value.int_value = 1

    (row,) = decode_logs(message.SerializeToString()).logs.to_pylist()

    assert (row["time_ns"], row["trace_hi"], row["severity"]) == (T0, None, 9)
    assert row["body"] == '{"a":1}'


def test_a_truncated_body_is_malformed():
    with pytest.raises(MalformedPayload):
        decode_logs(envoy("A-05-timeout__logs")[:-1])
