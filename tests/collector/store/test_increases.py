"""Increases of distributions: columns agree with a naive twin, steps add up to the whole."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.otlp.exponential import EMPTY, Buckets, Exponential, merge, subtract
from collector.otlp.exponential_rows import row_of
from collector.store.increases import exponential_increase, histogram_increase
from collector.store.store import open_store

DELTA, CUMULATIVE = 1, 2
BOUNDS = {0: (1.0, 2.0), 1: (5.0,), 2: ()}
SPAN = 100
"""All times are below."""

COUNTS = st.lists(st.integers(0, 3), min_size=3, max_size=3)
POINTS = st.lists(
    st.tuples(
        st.integers(0, 2),  # series
        st.integers(0, SPAN - 1),  # time
        st.integers(0, 1),  # which start
        st.integers(0, 2),  # bounds, or scale
        COUNTS,
        st.none() | st.integers(0, 5),  # sum
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda point: point[:4],
)
TEMPORALITIES = st.lists(st.sampled_from([DELTA, CUMULATIVE]), min_size=3, max_size=3)
STARTS = (0, SPAN // 2)
NEWS = st.lists(st.booleans(), min_size=3, max_size=3)


@pytest.fixture(scope="module")
def store():
    with open_store() as opened:
        yield opened


def prepare(cursor, table, rows, temporalities, news):
    for name in ("bounds", "metric_series", "exporter_starts", table):
        cursor.execute(f"DELETE FROM {name}")
    for number, bounds in BOUNDS.items():
        cursor.execute("INSERT INTO bounds VALUES (?, ?)", [number, list(bounds)])
    for series in range(3):
        cursor.execute(
            "INSERT INTO metric_series VALUES (?, ?, '', 'm', '', '', ?, true, '{}', ?)",
            [series, series, temporalities[series], 0 if news[series] else -1],
        )
        for start in STARTS:
            cursor.execute(
                "INSERT INTO exporter_starts VALUES (?, ?, ?, ?)",
                [series, start, SPAN, news[series]],
            )
    cursor.register("incoming", pa.Table.from_pylist(rows))
    cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
    cursor.unregister("incoming")


def news_of(rows, point, temporalities, news):
    """Tell whether the first point of a start is news: its start is no older than what is left."""
    return news[point["series_id"]] and (
        point["time_ns"] <= 0 or point["start_ns"] >= min(row["time_ns"] for row in rows)
    )


def naive(rows, temporalities, news, from_ns, key, value_of, minus, zero):
    """Walk the points of each stream one by one; give (point, what it counts)."""
    streams = {}
    for row in sorted(rows, key=lambda row: (row["time_ns"], row["count"])):
        streams.setdefault((row["series_id"], row["start_ns"], key(row)), []).append(row)
    for points in streams.values():
        last = None
        for row in points:
            value = value_of(row)
            new = value
            if temporalities[row["series_id"]] == CUMULATIVE:
                if last is not None:
                    new = minus(value, last)
                    new = value if new is None else new
                elif not news_of(rows, row, temporalities, news):
                    new = zero(value)
            last = value
            if row["time_ns"] >= from_ns:
                yield row, new


def histogram_row(series, time, start, bounds, counts, total):
    width = len(BOUNDS[bounds]) + 1 if BOUNDS[bounds] else 0
    return {
        "series_id": series,
        "time_ns": time,
        "start_ns": STARTS[start],
        "count": sum(counts[:width]) if width else counts[0],
        "sum": None if total is None else float(total),
        "bounds_id": bounds,
        "first_bucket": 0,
        "bucket_counts": counts[:width],
    }


def minus_rows(later, earlier):
    (*counts, total), (*before, total_before) = later, earlier
    if any(a < b for a, b in zip(counts, before, strict=True)):
        return None
    known = total is not None and total_before is not None
    steps = [a - b for a, b in zip(counts, before, strict=True)]
    return (*steps, total - total_before if known else None)


def histogram_twin(rows, temporalities, news, from_ns, step_ns):
    found = {}
    for row, grown in naive(
        rows, temporalities, news, from_ns,
        key=lambda row: row["bounds_id"],
        value_of=lambda row: (row["count"], *row["bucket_counts"], row["sum"]),
        minus=minus_rows,
        zero=lambda value: (*(0,) * (len(value) - 1), 0.0),
    ):  # fmt: skip
        step = from_ns + (row["time_ns"] - from_ns) // step_ns * step_ns if step_ns else None
        key = row["series_id"], BOUNDS[row["bounds_id"]], step
        *counts, total = found.get(key, (*(0,) * (len(grown) - 1), 0.0))
        added = None if total is None or grown[-1] is None else total + grown[-1]
        found[key] = (*(a + b for a, b in zip(counts, grown[:-1], strict=True)), added)
    return found


@settings(max_examples=30, deadline=None)
@given(POINTS, TEMPORALITIES, NEWS, st.integers(0, SPAN), st.none() | st.integers(1, 40))
def test_histograms_grow_as_their_naive_twin_says(
    store, points, temporalities, news, from_ns, step_ns
):
    rows = [histogram_row(*point) for point in points]
    cursor = store.cursor()
    prepare(cursor, "histogram_points", rows, temporalities, news)

    grown = histogram_increase(cursor, [0, 1, 2], from_ns, SPAN, step_ns=step_ns)

    assert {
        (one.series_id, one.bounds, one.bucket_ns): (one.count, *one.counts, one.sum)
        for one in grown
    } == histogram_twin(rows, temporalities, news, from_ns, step_ns)


def test_a_histogram_whose_bounds_come_and_go_is_compared_with_the_last_of_the_same(store):
    cursor = store.cursor()
    points = [(0, 0, 0, 1, [4, 0], 8.0), (0, 30, 0, 0, [0, 9, 0], 9.0), (0, 60, 0, 1, [6, 0], 11.0)]
    rows = [histogram_row(*point) for point in points]
    prepare(cursor, "histogram_points", rows, [CUMULATIVE] * 3, [False] * 3)

    (grown,) = histogram_increase(cursor, [0], 50, SPAN)

    assert (grown.bounds, grown.counts, grown.sum) == (BOUNDS[1], (2, 0), 3.0)


@settings(max_examples=15, deadline=None)
@given(POINTS, TEMPORALITIES, NEWS, st.integers(0, SPAN), st.integers(1, 40))
def test_the_steps_of_a_histogram_add_up_to_the_whole(
    store, points, temporalities, news, from_ns, step_ns
):
    cursor = store.cursor()
    rows = [histogram_row(*point) for point in points]
    prepare(cursor, "histogram_points", rows, temporalities, news)

    whole = histogram_increase(cursor, [0, 1, 2], from_ns, SPAN)
    sums = {}
    for one in histogram_increase(cursor, [0, 1, 2], from_ns, SPAN, step_ns=step_ns):
        assert (one.bucket_ns - from_ns) % step_ns == 0
        key = one.series_id, one.bounds
        earlier = sums.get(key, (0,) * (1 + len(one.counts)))
        sums[key] = tuple(map(int.__add__, earlier, (one.count, *one.counts)))

    assert {(one.series_id, one.bounds): (one.count, *one.counts) for one in whole} == sums


def exponential_row(series, time, start, coarse, counts, total):
    value = Exponential(
        count=sum(counts),
        scale=3 - coarse // 2,
        zero_count=counts[2],
        positive=Buckets(7, (counts[0],)) if counts[0] else Buckets(),
        negative=Buckets(-3, (counts[1],)) if counts[1] else Buckets(),
        sum=None if total is None else float(total),
        min=None if total is None else float(total),
        max=9.0,
    )
    return {
        "series_id": series, "time_ns": time, "start_ns": STARTS[start], "value": value,
        **row_of(value),
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(POINTS, TEMPORALITIES, NEWS, st.integers(0, SPAN), st.none() | st.integers(1, 40))
def test_exponential_histograms_grow_as_their_naive_twin_says_at_every_scale(
    store, points, temporalities, news, from_ns, step_ns
):
    unique = {point[:3]: point for point in points}
    rows = [exponential_row(*point) for point in unique.values()]
    cursor = store.cursor()
    stored = [{name: one for name, one in row.items() if name != "value"} for row in rows]
    prepare(cursor, "exponential_points", stored, temporalities, news)
    expected = {}
    for row, grown in naive(
        rows, temporalities, news, from_ns,
        key=lambda _: 0,
        value_of=lambda row: row["value"],
        minus=subtract,
        zero=lambda _: EMPTY,
    ):  # fmt: skip
        step = from_ns + (row["time_ns"] - from_ns) // (step_ns or 1) * (step_ns or 1)
        key = (row["series_id"], step) if step_ns else row["series_id"]
        expected[key] = merge(expected.get(key, EMPTY), grown)

    more = {} if step_ns is None else {"step_ns": step_ns}
    found = exponential_increase(cursor, [0, 1, 2], from_ns, SPAN, **more)

    assert {key: _shape(one) for key, one in found.items()} == {
        key: _shape(one) for key, one in expected.items()
    }
    if step_ns:
        whole = exponential_increase(cursor, [0, 1, 2], from_ns, SPAN)
        steps = {}
        for (series, _), one in found.items():
            steps[series] = merge(steps.get(series, EMPTY), one)
        assert {key: _shape(one) for key, one in steps.items()} == {
            key: _shape(one) for key, one in whole.items()
        }


def _shape(one):
    """Return what must be equal; of an empty one neither scale nor sum mean anything."""
    if not one.count:
        return 0
    return one.count, one.scale, one.zero_count, one.positive, one.negative, one.sum
