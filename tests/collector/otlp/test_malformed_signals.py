"""Metrics and logs from senders gone wrong: a clear answer, and neighbours unharmed."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector.otlp.errors import MalformedPayload
from collector.otlp.logs import decode_logs
from collector.otlp.metrics import decode_metrics
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from tests.collector.exports import SECOND, T0, envoy

BODIES = [
    (decode_metrics, envoy("A-00")),
    (decode_metrics, envoy("A-16-canary-20pct__metrics__fe")),
    (decode_logs, envoy("A-05-timeout__logs")),
]


@pytest.fixture(scope="module")
def writer():
    with open_store(clock_ns=lambda: T0) as store:
        opened = Writer(store, limits=WriterLimits(window_s=0))
        yield opened
        opened.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(BODIES), st.data())
def test_a_mutated_body_is_refused_or_committed(writer, case, data):
    decode, body = case
    body = bytearray(body[: data.draw(st.integers(0, len(body)), label="length")])
    for _ in range(data.draw(st.integers(0, 6), label="mutations")):
        if body:
            at = data.draw(st.integers(0, len(body) - 1), label="at")
            body[at] = data.draw(st.integers(0, 255), label="byte")
    try:
        batch = decode(bytes(body))
    except MalformedPayload:
        return
    writer.submit(batch, bytes(body[:64]) + len(body).to_bytes(4, "big")).result(60)


numbers = st.one_of(st.floats(), st.sampled_from([0.0, -1.0, math.nan, math.inf, 1e308, 5e-324]))
counts = st.sampled_from([0, 1, 2, 2**53, 2**53 + 1, 2**64 - 1])
times = st.sampled_from([0, 1, 10**9, T0, T0 + 10**6 * SECOND, 2**63 - 1, 2**63, 2**64 - 1])


@st.composite
def wild_metrics(draw):
    request = ExportMetricsServiceRequest()
    found = request.resource_metrics.add().scope_metrics.add().metrics
    for _ in range(draw(st.integers(1, 4))):
        shape = draw(st.sampled_from(["gauge", "sum", "histogram", "exponential_histogram",
                                      "summary"]))  # fmt: skip
        data = getattr(found.add(name=draw(st.sampled_from(["", "m", "x" * 2000]))), shape)
        if hasattr(data, "aggregation_temporality"):
            data.aggregation_temporality = draw(st.sampled_from([0, 1, 2, 3, -1, 2**31 - 1]))
        point = data.data_points.add(
            time_unix_nano=draw(times),
            start_time_unix_nano=draw(times),
            flags=draw(st.sampled_from([0, 1, 2**32 - 1])),
        )
        if shape in ("gauge", "sum"):
            point.as_double = draw(numbers)
        else:
            point.count, point.sum = draw(counts), draw(numbers)
        if shape == "histogram":
            point.explicit_bounds.extend(draw(st.lists(numbers, max_size=3)))
            point.bucket_counts.extend(draw(st.lists(counts, max_size=4)))
            point.min = draw(numbers)
        if shape == "exponential_histogram":
            point.scale = draw(st.sampled_from([-(2**31), -11, -10, 0, 20, 21, 2**31 - 1]))
            point.zero_threshold = draw(numbers)
            point.positive.offset = draw(st.sampled_from([-(2**31), 0, 2**31 - 1]))
            point.positive.bucket_counts.extend(draw(st.lists(counts, max_size=4)))
        if shape == "summary":
            point.quantile_values.add(quantile=draw(numbers), value=draw(numbers))
    return request.SerializeToString()


@settings(max_examples=150, deadline=None)
@given(wild_metrics())
def test_wild_points_are_rejected_one_by_one_and_the_others_committed(writer, body):
    batch = decode_metrics(body)
    sent = sum(
        len(getattr(metric, metric.WhichOneof("data")).data_points)
        for metric in ExportMetricsServiceRequest.FromString(body)
        .resource_metrics[0]
        .scope_metrics[0]
        .metrics
    )

    assert batch.rows + batch.rejected == sent
    writer.submit(batch, str(hash(body)).encode()).result(60)


def test_a_bad_point_does_not_spoil_its_neighbours():
    request = ExportMetricsServiceRequest()
    found = request.resource_metrics.add().scope_metrics.add().metrics
    points = found.add(name="h").histogram.data_points
    points.add(time_unix_nano=T0, explicit_bounds=[2, 1], bucket_counts=[1, 1, 1], count=3)
    points.add(time_unix_nano=T0, explicit_bounds=[math.nan], bucket_counts=[1, 1], count=2)
    points.add(time_unix_nano=T0, explicit_bounds=[1], bucket_counts=[1, 2**60], count=2)
    points.add(time_unix_nano=2**64 - 1, count=1)
    points.add(time_unix_nano=T0, explicit_bounds=[1], bucket_counts=[1, 1], count=2)

    batch = decode_metrics(request.SerializeToString())

    assert (batch.rejected, len(batch.histograms)) == (4, 1)
    assert "2 x histogram whose bounds do not grow" in batch.message
    assert "1 x count above 2^53" in batch.message


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_monotonic_sum_that_is_none_is_kept_and_warned_of(value):
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    metric.sum.is_monotonic, metric.sum.aggregation_temporality = True, 2
    metric.sum.data_points.add(time_unix_nano=10**9, as_double=value)

    batch = decode_metrics(request.SerializeToString())

    assert (len(batch.points), batch.rejected) == (1, 0)
    assert batch.warnings == {
        "monotonic sum that is negative, infinite or NaN": 1,
        "time before the year 2000": 1,
    }


def bomb(depth):
    """Return a log request whose body is nested that deep."""
    value = b""
    for _ in range(depth):
        value = _field(5, _field(1, value))
    return _field(
        1, _field(2, _field(2, _field(1, T0.to_bytes(8, "little"), 1) + _field(5, value)))
    )


def _field(number, content, wire=2):
    if wire == 1:
        return bytes([number << 3 | 1]) + content
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def test_a_depth_bomb_is_refused_and_a_shallow_one_is_not():
    assert decode_logs(bomb(20)).rows == 1
    with pytest.raises(MalformedPayload):
        decode_logs(bomb(5000))


def test_invalid_utf_8_in_an_attribute_is_malformed():
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    point = metric.gauge.data_points.add(time_unix_nano=T0, as_int=1)
    point.attributes.add(key="k").value.string_value = "okok"
    body = request.SerializeToString().replace(b"okok", b"\xff\xfe\xfd\xfc")

    with pytest.raises(MalformedPayload):
        decode_metrics(body)


def test_nothing_at_all_is_an_empty_batch():
    assert decode_metrics(b"").rows == decode_logs(b"").rows == 0
    empty = ExportLogsServiceRequest()
    empty.resource_logs.add().scope_logs.add()
    assert decode_logs(empty.SerializeToString()).rows == 0
