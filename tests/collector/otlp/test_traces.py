"""Spans decoded."""

import json

import pytest

from collector.otlp.errors import MalformedPayload
from collector.otlp.traces import decode_traces, is_span_error
from tests.collector.exports import envoy, span_request


def rows(batch):
    return batch.spans.to_pylist()


def test_a_timeout_seen_by_the_callee_is_an_error_though_its_status_is_unset():
    batch = decode_traces(envoy("A-05-timeout__traces"))

    ingress = next(row for row in rows(batch) if batch.strings[row["name"]] == "ingress")
    assert batch.resources[ingress["resource"]].service == "backend"
    assert (ingress["status"], ingress["http_status"], ingress["is_error"]) == (0, 0, True)
    assert batch.strings[ingress["flags"]] == "DR"
    assert batch.strings[ingress["route"]] == "in-app"
    assert ingress["duration_ns"] == 301_530_000
    assert f"{ingress['trace_hi']:016x}{ingress['trace_lo']:016x}" == (
        "439e2db82c9b5ed0f85bf8477a55c217"
    )
    assert json.loads(ingress["attributes"])["mesh.code_details"] == "http2.remote_reset"


def test_a_rate_limited_client_span_is_no_error_though_its_status_says_so():
    limited = [r for r in rows(decode_traces(envoy("A-08"))) if r["http_status"] == 429]

    assert {row["is_error"] for row in limited} == {False}
    assert 2 in {row["status"] for row in limited}


def test_every_overflow_is_an_error():
    batch = decode_traces(envoy("A-07"))

    flagged = [row for row in rows(batch) if batch.strings[row["flags"]] == "UO"]
    assert len(flagged) >= 5
    assert all(row["is_error"] for row in flagged)


@pytest.mark.parametrize(
    ("attributes", "status", "failed"),
    [
        ({}, 0, False),
        ({}, 2, True),
        ({"http.response.status_code": 404}, 2, False),
        ({"http.status_code": "503"}, 0, True),
        ({"http.status_code": "0", "response_flags": "DC"}, 0, True),
        ({"http.status_code": "0", "response_flags": "-"}, 0, False),
        ({"http.status_code": "200", "response_flags": "UC"}, 0, True),
        ({"http.status_code": "200", "response_flags": "DI"}, 0, False),
        ({"error": "true"}, 0, True),
        ({"error": True}, 0, True),
        ({"error": "false"}, 0, False),
        ({"http.status_code": "many"}, 2, True),
    ],
)
def test_what_makes_a_span_an_error(attributes, status, failed):
    assert is_span_error(attributes, status) is failed


@pytest.mark.parametrize(
    "fields",
    [
        {"trace_id": b""},
        {"trace_id": bytes(16)},
        {"trace_id": b"\x01" * 15},
        {"span_id": b""},
        {"span_id": bytes(8)},
        {"start_time_unix_nano": 2**64 - 1},
    ],
)
def test_a_bad_span_is_left_out_and_counted_its_neighbour_stays(fields):
    batch = decode_traces(span_request(**fields) + span_request())

    assert (len(rows(batch)), batch.rejected) == (1, 1)
    assert batch.message.startswith("1 x ")


def test_odd_enums_and_an_end_before_the_start_are_accepted():
    (row,) = rows(decode_traces(span_request(kind=77, end_time_unix_nano=1)))

    assert (row["kind"], row["duration_ns"]) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        envoy("A-05-timeout__traces")[:-3],
        span_request().replace(b"GET /", b"GET\xff\xfe"),
        b"<html>",
    ],
)
def test_what_is_no_request_is_malformed(body):
    with pytest.raises(MalformedPayload):
        decode_traces(body)


def test_an_empty_body_is_an_empty_request():
    batch = decode_traces(b"")

    assert (batch.rows, batch.resources) == (0, ())
