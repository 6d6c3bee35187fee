"""What is known by its bytes is read as the parser reads it, whatever the bytes are."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collector.otlp.errors import MalformedPayload
from collector.otlp.known_metrics import KnownMetrics
from collector.otlp.metrics import decode_metrics
from tests.collector.exports import ENVOY, T0, put_attributes

FLUSHES = sorted(ENVOY.glob("*__metrics__*.pb"))


class Forgetful(KnownMetrics):
    """A memory that learns nothing: everything goes to the parser."""

    def learn(self, *_args):
        return None


def same(left, right):
    names = ("points", "histograms", "exponentials", "summaries", "exemplars")
    assert all(getattr(left, name).equals(getattr(right, name)) for name in names)
    for name in ("resources", "series", "bounds", "heard", "descriptions", "rejected", "message"):
        assert getattr(left, name) == getattr(right, name), name
    assert left.warnings == right.warnings


def check(bodies):
    """Decode bodies with a memory that lasts, and each with none."""
    memory = KnownMetrics()
    for body in bodies:
        same(decode_metrics(body, memory), decode_metrics(body, Forgetful()))
    return memory


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.just(0)
TIMES = st.sampled_from([0, 1, 10**15, T0 - 1, T0, T0 + 5, 2**63, 2**64 - 1])
POINTS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b" * 130, "ü", ""]),
        "unit": st.sampled_from(["", "ms"]),
        "description": st.sampled_from(["", "says"]),
        "kind": st.sampled_from(["sum", "gauge", "histogram"]),
        "start": TIMES,
        "time": TIMES,
        "number": NUMBERS,
        "counts": st.lists(st.integers(0, 3) | st.just(2**60), min_size=3, max_size=3),
        "miscount": st.sampled_from([0, 0, 0, 1]),
        "flags": st.sampled_from([0, 0, 1]),
        "points": st.sampled_from([1, 1, 1, 2]),
        "exemplars": st.sampled_from([0, 0, 1]),
        "minimum": st.none() | st.just(1.0),
        "tag": st.sampled_from(["", "x", "y" * 200]),
        "temporality": st.sampled_from([0, 1, 2]),
    }
)


def put_number(point, told):
    if isinstance(told["number"], float):
        point.as_double = told["number"]
    else:
        point.as_int = told["number"]


def put_counts(point, told):
    point.explicit_bounds.extend([1.0, 2.0])
    point.bucket_counts.extend(told["counts"])
    point.count = min(sum(told["counts"]) + told["miscount"], 2**63)
    point.sum = 1.5
    if told["minimum"] is not None:
        point.min = told["minimum"]


def body_of(points):
    request = ExportMetricsServiceRequest()
    found = request.resource_metrics.add().scope_metrics.add()
    for told in points:
        metric = found.metrics.add(**{k: told[k] for k in ("name", "unit", "description")})
        data = getattr(metric, told["kind"])
        data.SetInParent()
        if told["kind"] != "gauge":
            data.aggregation_temporality = told["temporality"]
        if told["kind"] == "sum":
            data.is_monotonic = True
        for _ in range(told["points"]):
            point = data.data_points.add(
                start_time_unix_nano=told["start"],
                time_unix_nano=told["time"],
                flags=told["flags"],
            )
            (put_counts if told["kind"] == "histogram" else put_number)(point, told)
            if told["exemplars"]:
                point.exemplars.add(as_int=1, time_unix_nano=T0)
            if told["tag"]:
                put_attributes(point.attributes, {"tag": told["tag"]})
    return request.SerializeToString()


@settings(max_examples=120, deadline=None)
@given(st.lists(st.lists(POINTS, min_size=1, max_size=3), min_size=2, max_size=4))
def test_a_memory_changes_no_answer(requests):
    check([body_of(points) for points in (*requests, *requests)])


@pytest.mark.parametrize("path", FLUSHES, ids=lambda path: path.stem[:30])
def test_a_real_flush_is_known_the_second_time(path):
    body = path.read_bytes()
    memory = check([body, body])

    first = decode_metrics(body, Forgetful())
    known = len(memory._numbers) + len(memory._histograms)
    assert known > 0.95 * first.rows
    assert memory._histograms


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_wrecks_of_known_bytes_are_read_or_refused_as_without_a_memory(data):
    body = bytearray(FLUSHES[0].read_bytes())
    memory = KnownMetrics()
    outcome(body, memory)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] = data.draw(st.integers(0, 255))
    ours, plain = outcome(body, memory), outcome(body, Forgetful())
    if isinstance(ours, str) or isinstance(plain, str):
        assert ours == plain
    else:
        same(ours, plain)


def outcome(wreck, memory):
    try:
        return decode_metrics(bytes(wreck), memory)
    except MalformedPayload as error:
        return str(error)


def test_a_value_of_another_type_in_the_same_place_is_another_metric():
    def one(value):
        point = {"kind": "gauge", "name": "a", "unit": "", "description": "", "start": T0,
                 "time": T0 + 5, "number": value, "flags": 0, "points": 1, "exemplars": 0,
                 "tag": "", "temporality": 0}  # fmt: skip
        return body_of([point])

    bits = struct.unpack("<q", struct.pack("<d", 0.5))[0]
    check([one(bits), one(0.5), one(bits), one(0.5)])
