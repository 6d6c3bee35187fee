"""Thirty days of traffic at its worst, and a real store that holds it.

Traffic is segments: runs of 10 s buckets that all count the same. Between them there is silence.
"""

from dataclasses import dataclass

import pyarrow as pa
from hypothesis import strategies as st

from collector.edges import Edge, latency_bucket
from collector.store.store import open_store
from collector.store.tiers import TIERS_S
from tests.collector.rollups import put

END_S = 1_800_000_000 // 3600 * 3600
DAY_S = 86_400
MONTH_S = 30 * DAY_S
QUICK, SLOW = latency_bucket(10_000), latency_bucket(900_000)
THRESHOLD_MS = 250
WINDOWS_S = (300, 1800, 3600, 7200, 21_600, DAY_S, 3 * DAY_S, MONTH_S)


@dataclass(frozen=True, slots=True)
class Segment:
    """``buckets`` of 10 s from ``start_s`` on: quick and slow answers, and failures.

    The buckets begin ``every_s`` apart.
    """

    start_s: int
    buckets: int
    quick: int
    slow: int
    failed: int
    every_s: int = 10


def _starts():
    """Give times within the 30 days, and often those at which a window of now begins."""
    edges = [END_S - length + shift for length in WINDOWS_S for shift in (-10, 0, 10)]
    anywhere = st.integers(0, MONTH_S // 10 - 1).map(lambda n: END_S - MONTH_S + 10 * n)
    return st.sampled_from(edges) | anywhere | st.just(END_S - 10)


def _shapes():
    """Give single events, bursts, all errors, trickles and huge numbers."""
    few, many = st.integers(0, 3), st.integers(0, 10**9)
    counts = st.tuples(few, few, few) | st.tuples(many, many, many)
    outage = st.tuples(st.just(0), st.just(0), st.integers(1, 10**6))
    return counts | outage | st.just((0, 0, 1)) | st.just((1, 0, 0))


SEGMENTS = st.lists(
    st.builds(
        lambda start_s, buckets, shape: Segment(start_s, buckets, *shape),
        _starts(),
        st.sampled_from([1, 1, 2, 6, 30, 360]),
        _shapes(),
    ),
    max_size=8,
)


def events(segments):
    """Return (bucket_s, quick, slow, failed) of every bucket, in no order."""
    return [
        (one.start_s + one.every_s * place, one.quick, one.slow, one.failed)
        for one in segments
        for place in range(one.buckets)
    ]


def fill(rows):
    """Return an open store with these events of the cart."""
    store = open_store()
    ok = Edge("destination", "external", "cart", "v1", "", 200, "-", "mtls")
    bad = Edge("destination", "external", "cart", "v1", "", 503, "-", "mtls")
    put(store, ok, 1, [])
    put(store, bad, 2, [])
    good = [(at, 1, quick + slow) for at, quick, slow, _ in rows if quick + slow]
    failed = [(at, 2, count) for at, _, _, count in rows if count]
    timed = [(at, QUICK, quick) for at, quick, _, _ in rows if quick]
    timed += [(at, SLOW, slow) for at, _, slow, _ in rows if slow]
    cursor = store.cursor()
    for tier, length in TIERS_S.items():
        _insert(cursor, f"sli_{tier}", good + failed, length, "key, n, n")
        _insert(cursor, f"latency_{tier}", timed, length, "1, key, n")
    return store


def forget(store, length_s, before_s):
    """Remove what a retention removes: the buckets of one length that begin before a time."""
    tier = next(tier for tier, length in TIERS_S.items() if length == length_s)
    for table in (f"sli_{tier}", f"latency_{tier}"):
        store.cursor().execute(f"DELETE FROM {table} WHERE bucket_s < ?", [before_s])


def _insert(cursor, table, rows, length, columns):
    if not rows:
        return
    at, key, n = zip(*rows, strict=True)
    given = pa.table(
        {"start": pa.array([t - t % length for t in at], pa.int64()), "key": key, "n": n}
    )
    cursor.register("given", given)
    cursor.execute(f"INSERT INTO {table} SELECT start, {columns} FROM given")
