"""OTLP conformance, both transports: points C of the checklist."""

import gzip
import zlib

import grpc
import pytest
from backports import zstd

from collector.receiver.export import SIGNALS
from tests.collector.exports import SECOND, T0, span_request
from tests.collector.receiver.conformance.rig import (
    BAD,
    GOOD,
    JSON,
    METHODS,
    PROTOBUF,
    REJECTED,
    TRACES,
    call,
    json_request,
    json_span,
    over_grpc,
    over_http,
    refusal,
)

BOTH = pytest.mark.parametrize("transport", [over_grpc, over_http])
DAY = 24 * 3600 * SECOND
SIGNAL_NAMES = list(SIGNALS)


@pytest.mark.parametrize(
    "compression", [None, grpc.Compression.Gzip, grpc.Compression.Deflate], ids=str
)
def test_c01_grpc_takes_plain_and_compressed_messages(node, compression):
    name = f"c01 {compression}"
    call(node.grpc, TRACES, span_request(name=name), compression=compression)

    assert node.named(name) == 1


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstd.compress),
    ],
)
def test_c01_http_takes_plain_and_compressed_bodies(node, encoding, pack):
    body = span_request(name=f"c01 {encoding}")
    over_http(node, "traces", pack(body), **{"Content-Encoding": encoding})

    assert node.named(f"c01 {encoding}") == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_c01_members_and_frames_in_a_row_are_one_body(node, pack):
    name = f"c01 {pack.__module__}"
    body = span_request(name=name)
    encoding = "gzip" if pack is gzip.compress else "zstd"
    over_http(node, "traces", pack(body[:20]) + pack(body[20:]), **{"Content-Encoding": encoding})

    assert node.named(name) == 1


@BOTH
@pytest.mark.parametrize("name", SIGNAL_NAMES)
def test_c02_a_request_without_telemetry_succeeds(node, transport, name):
    envelope = SIGNALS[name].request_type()
    getattr(envelope, f"resource_{'spans' if name == 'traces' else name}").add()
    for body in (b"", envelope.SerializeToString()):
        assert transport(node, name, body).ByteSize() == 0


@pytest.mark.parametrize("name", SIGNAL_NAMES)
def test_c03_full_success_leaves_partial_success_unset(node, name):
    assert call(node.grpc, METHODS[name], GOOD[name]) == b""
    reply = node.http.post(f"/v1/{name}", content=GOOD[name], headers=PROTOBUF)
    assert (reply.status_code, reply.content) == (200, b"")


def test_c03_full_success_in_json_is_an_empty_object(node):
    reply = node.http.post("/v1/traces", content=json_request(json_span()), headers=JSON)
    assert (reply.status_code, reply.content) == (200, b"{}")


@BOTH
@pytest.mark.parametrize("name", SIGNAL_NAMES)
def test_c04_what_is_partly_bad_succeeds_with_the_count_and_the_reason(node, transport, name):
    partial = transport(node, name, GOOD[name] + BAD[name] + BAD[name]).partial_success

    assert getattr(partial, REJECTED[name]) == 2
    assert len(partial.error_message) > 10


@BOTH
def test_c05_a_warning_has_a_message_and_no_rejected_items(node, transport):
    name = f"c05 {transport.__name__}"
    body = span_request(name=name, start_time_unix_nano=T0 - 2 * DAY, end_time_unix_nano=T0)
    partial = transport(node, "traces", body).partial_success

    assert partial.rejected_spans == 0
    assert "more than 24 h from the clock here" in partial.error_message
    assert node.named(name) == 1


@BOTH
def test_c06_what_was_accepted_can_be_read_when_the_reply_is_there(node, transport):
    name = f"c06 {transport.__name__}"
    for number in range(1, 6):
        body = span_request(name=name, span_id=bytes([number] * 8)) + BAD["traces"]
        assert transport(node, "traces", body).partial_success.rejected_spans == 1
        assert node.named(name) == number


def test_c07_a_repeat_is_answered_but_not_counted_on_whatever_way_it_comes(node):
    body = span_request(name="c07")
    packed = {"Content-Encoding": "gzip"}
    for reply in (
        over_grpc(node, "traces", body),
        over_grpc(node, "traces", body),
        over_http(node, "traces", body),
        over_http(node, "traces", gzip.compress(body), **packed),
    ):
        assert reply.ByteSize() == 0

    assert node.named("c07") == 1


@BOTH
def test_c08_unknown_fields_and_enum_values_do_no_harm(node, transport):
    name = f"c08 {transport.__name__}"
    unknown_field = b"\xf8\x3e\x07"  # field 1007, varint
    body = span_request(name=name, kind=99) + unknown_field

    assert transport(node, "traces", body).ByteSize() == 0
    assert node.named(name) == 1


@BOTH
def test_c08_fields_of_senders_before_0_19_do_no_harm(node, transport):
    inner = span_request(name="old")[2:]
    old = bytes([0xC2, 0x3E, len(inner)]) + inner  # instrumentation_library_spans, field 1000
    body = bytes([0x0A, len(old)]) + old

    assert transport(node, "traces", body).ByteSize() == 0


def test_c09_profiles_are_unimplemented(node):
    service = "opentelemetry.proto.collector.profiles.v1development.ProfilesService"
    assert refusal(node.grpc, f"/{service}/Export", b"").code is grpc.StatusCode.UNIMPLEMENTED
    assert node.http.post("/v1development/profiles", headers=PROTOBUF).status_code == 404


@BOTH
def test_c10_bad_ids_are_rejected_one_by_one(node, transport):
    name = f"c10 {transport.__name__}"
    bad = [
        {"trace_id": b""},
        {"trace_id": b"\0" * 16},
        {"trace_id": b"\1" * 15},
        {"span_id": b""},
        {"span_id": b"\0" * 8},
        {"span_id": b"\1" * 16},
    ]
    body = b"".join(span_request(name=name, **fields) for fields in bad)
    reply = transport(node, "traces", body + span_request(name=name))

    assert reply.partial_success.rejected_spans == len(bad)
    assert node.named(name) == 1


@BOTH
def test_c10_a_span_without_a_kind_is_kept(node, transport):
    name = f"c10 kindless {transport.__name__}"

    assert transport(node, "traces", span_request(name=name, kind=0)).ByteSize() == 0
    assert node.named(name) == 1


@BOTH
@pytest.mark.parametrize(
    ("start_ns", "end_ns", "is_warned"),
    [
        (T0, T0 - SECOND, True),
        (0, 0, True),
        (T0 - DAY + 120 * SECOND, T0, False),
        (T0 - 2 * DAY, T0, True),
        (T0 + 2 * DAY, T0 + 2 * DAY, True),
    ],
)
def test_c11_odd_times_are_kept_and_warned_of(node, transport, start_ns, end_ns, is_warned):
    name = f"c11 {start_ns} {end_ns} {transport.__name__}"
    body = span_request(name=name, start_time_unix_nano=start_ns, end_time_unix_nano=end_ns)
    partial = transport(node, "traces", body).partial_success

    assert (partial.rejected_spans, bool(partial.error_message)) == (0, is_warned)
    assert node.named(name) == 1


def test_c12_text_that_is_not_utf8_makes_a_request_malformed(node):
    body = span_request(name="c12c12").replace(b"c12c12", b"c12\xff\xfe!")

    assert refusal(node.grpc, TRACES, body).code is grpc.StatusCode.INVALID_ARGUMENT
    assert node.http.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 400


def test_c04_json_counts_what_it_rejects_as_text(node):
    body = json_request(json_span(), json_span(spanId=""), json_span(traceId="00" * 16))
    reply = node.http.post("/v1/traces", content=body, headers=JSON)

    assert reply.json()["partialSuccess"]["rejectedSpans"] == "2"
