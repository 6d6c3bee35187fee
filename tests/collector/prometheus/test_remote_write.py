"""Requests of remote write become batches that hold what they said, or errors that say why not."""

import math
import struct
from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import semconv
from collector.otlp.errors import MalformedPayload
from collector.prometheus.remote_write import FAMILY, Counted, decode, unsnap
from collector.prometheus.write_labels import KnownLabels
from tests.collector.prometheus.written import (
    FLOATS,
    GAUGE,
    STALE_NAN,
    Exemplar,
    Family,
    Native,
    Written,
    first,
    second,
    series,
    snappy,
)

ENCODE = {"1.0": first, "2.0": second}
VERSIONS = pytest.mark.parametrize("version", ENCODE)
T_MS = 1_800_000_000_000
NS = 10**6

names = st.text(min_size=1, max_size=8).filter(lambda name: name != "__name__")
labels = st.dictionaries(names, st.text(min_size=1, max_size=8), max_size=4)
times = st.integers(0, 2**43)
values = st.floats(width=64)
written = st.builds(
    lambda name, own, samples: series(name, samples, **own),
    st.text(min_size=1, max_size=8),
    labels,
    st.lists(st.tuples(times, values), max_size=4).map(tuple),
)


def taken(body, version, **options):
    """Return {(name, labels): [(ms, bits of the value, or None for a gap)]} and all of it."""
    decoded = decode(body, version, known=KnownLabels(), **options)
    batch = decoded.batch
    found = {}
    for row in batch.points.to_pylist():
        one = batch.series[row["series"]]
        assert (one.type, one.scope, one.unit) == ("gauge", semconv.REMOTE_WRITE, "")
        key = one.name, tuple(sorted(orjson.loads(one.attributes).items()))
        found.setdefault(key, []).append((row["time_ns"] // NS, _bits(row["value_double"])))
    return found, decoded


def _bits(value):
    if value is None:
        return None
    return "nan" if math.isnan(value) else struct.pack("<d", value)


def _expected(many):
    found = {}
    for one in many:
        own = dict(one.labels)
        key = own.pop("__name__"), tuple(sorted(own.items()))
        for at_ms, value in one.samples:
            is_stale = struct.pack("<d", value) == struct.pack("<d", STALE_NAN)
            found.setdefault(key, []).append((at_ms, None if is_stale else _bits(value)))
    return found


@VERSIONS
@settings(deadline=None)
@given(many=st.lists(written, max_size=5))
def test_every_sample_of_every_series_is_taken_to_the_bit(version, many):
    found, decoded = taken(ENCODE[version](*many), version)
    assert found == _expected(many)
    assert decoded.taken.samples == sum(len(one.samples) for one in many)
    assert not decoded.batch.rejected


@VERSIONS
@settings(deadline=None)
@given(many=st.lists(written, min_size=1, max_size=3), data=st.data())
def test_a_wrecked_body_is_an_error_or_other_data_but_nothing_else(version, many, data):
    body = bytearray(ENCODE[version](*many))
    cut = data.draw(st.integers(0, len(body)))
    body = body[:cut]
    for _ in range(data.draw(st.integers(0, 3)) if body else 0):
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        decoded = decode(bytes(body), version, known=KnownLabels())
    except MalformedPayload:
        return
    assert decoded.taken.samples == len(decoded.batch.points)


@settings(deadline=None)
@given(body=st.binary(max_size=200))
def test_what_is_no_snappy_block_is_told_so(body):
    try:
        plain = unsnap(body, 1000)
    except MalformedPayload:
        return
    assert plain is None or len(plain) <= 1000


def test_a_body_that_tells_a_length_above_the_limit_is_not_unpacked():
    assert unsnap(snappy(bytes(1001)), 1000) is None
    assert unsnap(snappy(bytes(1000)), 1000) == bytes(1000)


@VERSIONS
def test_a_stale_marker_is_a_gap_and_another_nan_a_nan(version):
    one = series("up", [(T_MS, STALE_NAN), (T_MS + 1, math.nan)])
    rows = taken(ENCODE[version](one), version)[1].batch.points.to_pylist()
    assert [row["value_int"] for row in rows] == [None, None]
    assert rows[0]["value_double"] is None
    assert math.isnan(rows[1]["value_double"])


@VERSIONS
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((("__name__", "up"), ("a", "1"), ("a", "2")), "label that comes twice"),
        ((("__name__", "up"), ("", "1")), "label without a name"),
        ((("job", "x"),), "series without __name__"),
        ((("__name__", "x" * 2000),), "a name of 1024 characters"),
        ((("__name__", "up"), ("a", "x" * 70_000)), "label value of more than"),
    ],
)
def test_a_bad_series_is_named_and_its_neighbours_stay(version, bad, reason):
    good = series("good", [(T_MS, 1.0)])
    found, decoded = taken(
        ENCODE[version](Written(bad, samples=((T_MS, 1.0), (T_MS, 2.0))), good), version
    )
    assert list(found) == [("good", ())]
    assert decoded.batch.rejected == 2
    assert reason in decoded.batch.message
    assert reason in decoded.faults[0]


@VERSIONS
def test_samples_at_no_time_or_too_old_are_left_out(version):
    one = series("up", [(-1, 1.0), (2**60, 1.0), (T_MS - 1, 1.0), (T_MS, 1.0)], job="x")
    found, decoded = taken(ENCODE[version](one), version, since_ns=T_MS * NS)
    ((at_ms, _),) = found["up", (("job", "x"),)]
    assert at_ms == T_MS
    assert decoded.batch.rejected == 3
    assert decoded.batch.message == (
        "2 x sample without a possible time; 1 x sample older than what is kept"
    )
    assert 'up{job="x"}' in decoded.faults[0]


@VERSIONS
def test_labels_are_sorted_and_empty_ones_are_none(version):
    one = Written((("z", "1"), ("a", "2"), ("e", ""), ("__name__", "up")), ((T_MS, 1.0),))
    _, decoded = taken(ENCODE[version](one), version)
    assert decoded.batch.series[0].attributes == '{"a":"2","z":"1"}'


def test_a_reference_to_no_symbol_names_the_series_as_bad():
    body = second(series("up", [(T_MS, 1.0)]))
    _, decoded = taken(body.replace(b"\x22\x02up", b""), "2.0")
    assert decoded.batch.rejected == 1


def test_the_first_symbol_must_be_empty():
    with pytest.raises(MalformedPayload, match="first symbol"):
        decode(b"\x22\x02up", "2.0")


def test_what_is_said_of_families_is_kept_in_both_versions():
    told = {"type": "counter", "unit": "bytes", "help": "All."}
    one = replace(series("sent_total", [(T_MS, 1.0)]), type=1, help="All.", unit="bytes")
    for body, version in (
        (first(families=[Family("sent_total", 1, "All.", "bytes")]), "1.0"),
        (second(one), "2.0"),
    ):
        ((name, text),) = decode(body, version).batch.descriptions
        assert name == f"{FAMILY}sent_total"
        assert orjson.loads(text) == told


def test_parts_of_a_classic_histogram_are_one_family():
    one = replace(series("wait_bucket", [(T_MS, 1.0)], le="1"), type=3, help="Waiting.")
    assert decode(second(one), "2.0").batch.descriptions[0][0] == f"{FAMILY}wait"


@VERSIONS
def test_an_exemplar_keeps_its_trace_and_other_labels(version):
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    exemplars = (
        Exemplar((("trace_id", trace), ("span_id", span), ("user", "7")), 0.5, T_MS),
        Exemplar((("trace_id", "ABC"),), 0.25, T_MS),
    )
    one = replace(series("wait_bucket", [(T_MS, 1.0)]), exemplars=exemplars)
    decoded = taken(ENCODE[version](one), version)[1]
    known, odd = decoded.batch.exemplars.to_pylist()
    assert f"{known['trace_hi']:016x}{known['trace_lo']:016x}" == trace
    assert f"{known['span_id']:016x}" == span
    assert (known["value_double"], known["attributes"]) == (0.5, '{"user":"7"}')
    assert (odd["trace_hi"], odd["attributes"]) == (None, '{"trace_id":"ABC"}')
    assert decoded.taken == Counted(1, 0, 2)


@VERSIONS
@pytest.mark.parametrize("kind", ["integers", FLOATS])
def test_a_native_histogram_becomes_exponential_buckets_one_lower(version, kind):
    native = Native(
        T_MS,
        count=11,
        total=18.5,
        schema=1,
        zero_threshold=0.001,
        zero_count=2,
        positive=((-1, 2), (3, 1)),
        positive_counts=(1, 4, 2),
        negative=((5, 1),),
        negative_counts=(2,),
        kind=kind,
        start_ms=T_MS - 5,
    )
    decoded = taken(ENCODE[version](series("wait", natives=[native])), version)[1]
    (row,) = decoded.batch.exponentials.to_pylist()
    assert (row["count"], row["sum"], row["scale"]) == (11, 18.5, 1)
    assert (row["zero_count"], row["zero_threshold"]) == (2, 0.001)
    assert (row["positive_offset"], row["positive_counts"]) == (-2, [1, 4, 0, 0, 0, 2])
    assert (row["negative_offset"], row["negative_counts"]) == (4, [2])
    assert row["start_ns"] == (T_MS - 5) * NS
    assert decoded.batch.series[0].temporality == 2
    assert decoded.taken == Counted(0, 1, 0)


@VERSIONS
def test_a_gauge_histogram_is_not_cumulative(version):
    native = Native(T_MS, count=1, positive=((0, 1),), positive_counts=(1,), hint=GAUGE)
    decoded = taken(ENCODE[version](series("queue", natives=[native])), version)[1]
    assert decoded.batch.series[0].temporality == 0


@VERSIONS
def test_custom_buckets_become_explicit_bounds(version):
    native = Native(T_MS, count=6, total=9.0, schema=-53, bounds=(0.5, 1.0, 2.0),
                    positive=((1, 1), (1, 1)), positive_counts=(4, 2))  # fmt: skip
    batch = taken(ENCODE[version](series("wait", natives=[native])), version)[1].batch
    (row,) = batch.histograms.to_pylist()
    assert batch.bounds[row["bounds"]] == (0.5, 1.0, 2.0)
    assert (row["count"], row["first_bucket"], row["bucket_counts"]) == (6, 1, [4, 0, 2])


@VERSIONS
@pytest.mark.parametrize("schema", [0, -53])
def test_a_stale_native_histogram_is_a_gap(version, schema):
    native = Native(T_MS, total=STALE_NAN, schema=schema)
    batch = taken(ENCODE[version](series("wait", natives=[native])), version)[1].batch
    (row,) = (batch.histograms if schema else batch.exponentials).to_pylist()
    assert (row["count"], row["sum"]) == (None, None)


@VERSIONS
@pytest.mark.parametrize(
    ("native", "reason"),
    [
        (Native(T_MS, schema=9), "unknown schema"),
        (Native(T_MS, zero_threshold=-1.0), "zero threshold"),
        (Native(T_MS, count=1, positive=((0, 2),), positive_counts=(1,)), "spans do not fit"),
        (Native(T_MS, count=2, positive=((0, 1), (-1, 1)), positive_counts=(1, 1)), "overlap"),
        (Native(T_MS, count=2, positive=((0, 1), (2**20, 1)), positive_counts=(1, 1)), "wider"),
        (Native(T_MS, count=1, positive=((0, 1),), positive_counts=(2,)), "less than its buckets"),
        (Native(T_MS, count=0.5, kind=FLOATS), "no whole number"),
        (Native(T_MS, count=1, schema=-53, bounds=(2.0, 1.0)), "bounds do not grow"),
        (Native(T_MS, count=1, schema=-53, bounds=(1.0,), positive=((2, 1),),
                positive_counts=(1,)), "beyond its bounds"),
        (Native(-1, count=1), "without a possible time"),
    ],
)  # fmt: skip
def test_a_histogram_that_cannot_be_is_named(version, native, reason):
    _, decoded = taken(ENCODE[version](series("wait", natives=[native])), version)
    assert decoded.taken == Counted()
    assert decoded.batch.rejected == 1
    assert reason in decoded.faults[0]
    assert "wait{}" in decoded.faults[0]


def test_known_labels_give_the_same_series_again():
    known = KnownLabels()
    body = first(series("up", [(T_MS, 1.0)], job="x"))
    assert decode(body, "1.0", known=known).batch == decode(body, "1.0", known=known).batch


def test_what_is_known_is_forgotten_before_it_takes_too_much_memory():
    known = KnownLabels(most_bytes=10_000)
    for number in range(100):
        decode(first(series("up", [(T_MS, 1.0)], number=str(number))), "1.0", known=known)
        assert len(known) <= 9
    assert len(known) > 0


def test_series_of_a_job_are_of_no_service_of_the_mesh():
    (resource,) = decode(first(series("up", [(T_MS, 1.0)], job="cart")), "1.0").batch.resources
    assert resource.service == "prometheus:cart"
    assert orjson.loads(resource.attributes)[semconv.ORIGIN] == semconv.REMOTE_WRITE
