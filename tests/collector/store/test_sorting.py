"""Points that are over lie sorted, and no reader sees a difference."""

import threading
import time
from concurrent.futures import Future
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.otlp.metrics import decode_metrics
from collector.store.errors import StoreClosed
from collector.store.increases import increase
from collector.store.sorting import ROW_GROUP_ROWS, Sorter, SortingSettings, sorting
from collector.store.store import open_store
from collector.store.writer import Writer
from tests.collector.exports import SECOND, T0, digest
from tests.collector.prometheus.exported import Export, matchers, read, source

SMALL = SortingSettings(grace_s=0, every_s=0.01, stretch_rows=12, slice_rows=3, rests=0.0)
EVERYTHING = "series_id, time_ns, start_ns, value_int, value_double"


@pytest.fixture
def store():
    with open_store(clock_ns=lambda: T0 + 3600 * SECOND) as opened:
        yield opened


def at_once(store):
    """Return what does an errand in the caller's thread."""

    def between(work):
        done = Future()
        work(store.cursor())
        done.set_result(None)
        return done

    return between


def sort(store, how=SMALL, **more):
    with closing(Sorter(store, at_once(store), how, **more)) as sorter:
        return sorter.run_once()


def put(store, *rows, double=False):
    """Put (series, seconds after T0, value) rows, in this order."""
    cursor = store.cursor()
    for series, at_s, value in rows:
        values = (None, value) if double else (value, None)
        cursor.execute(
            f"INSERT INTO metric_points ({EVERYTHING}) VALUES (?, ?, 0, ?, ?)",
            [series, T0 + round(at_s * SECOND), *values],
        )


def stored(store, columns=EVERYTHING, order="ALL"):
    sql = f"SELECT {columns} FROM metric_points ORDER BY {order}"
    return store.cursor().execute(sql).fetchall()


def test_points_that_are_over_lie_by_series_and_time(store):
    put(store, *((series, at_s, 0) for at_s in range(3) for series in range(4)))
    before = stored(store)

    assert sort(store) == 4

    assert stored(store) == before
    in_place = stored(store, "series_id, time_ns, is_sorted", "rowid")
    assert in_place == sorted(in_place)
    assert all(is_sorted for *_, is_sorted in in_place)


def test_what_is_young_or_less_than_a_slice_stays_and_waits_for_more(store):
    put(store, *((1, at_s, 0) for at_s in (3600, 3601, *range(14))))

    assert sort(store) == 4

    waiting = [(T0 + at_s * SECOND,) for at_s in (12, 13, 3600, 3601)]
    sql = "SELECT time_ns FROM metric_points WHERE is_sorted = 0 ORDER BY time_ns"
    assert store.cursor().execute(sql).fetchall() == waiting
    assert sort(store) == 0
    put(store, *((0, at_s, 0) for at_s in range(10)))
    assert sort(store) == 4


def test_few_points_are_left_alone(store):
    put(store, *((1, at_s, 0) for at_s in range(11)))

    assert sort(store) == 0


def test_points_of_one_moment_keep_their_order_however_many_they_are(store):
    values = [5, 9, 1, 8, 2, 7, 3, 5, 0, 4, 6, 8, 1]
    put(store, *((1, 10, value) for value in values))

    assert sort(store) >= 1

    assert stored(store, "value_int", "rowid") == [(value,) for value in values]
    assert stored(store, "count(*)", "1") == [(13,)]


def test_without_room_on_the_disk_nothing_is_copied(store):
    put(store, *((1, at_s, 0) for at_s in range(12)))

    assert sort(store, has_room=lambda: False) == 0
    assert sort(store) == 4


def test_a_slice_takes_a_row_group_of_its_own(tmp_path):
    with open_store(tmp_path / "mesh.duckdb", clock_ns=lambda: T0 + 3600 * SECOND) as store:
        cursor = store.cursor()
        cursor.execute(
            f"INSERT INTO metric_points ({EVERYTHING})"
            " SELECT i % 400, ? + i * 1000000, 0, i, NULL FROM range(260000) t(i)",
            [T0],
        )
        how = SortingSettings(grace_s=0, stretch_rows=250_000, rests=0.0)
        assert sort(store, how) == 2
        cursor.execute("CHECKPOINT")
        groups = cursor.execute(
            "SELECT count(DISTINCT series_id), count(*) FROM metric_points WHERE is_sorted = 1"
            f" GROUP BY rowid // {ROW_GROUP_ROWS}"
        ).fetchall()

    assert [rows for _, rows in groups].count(ROW_GROUP_ROWS) >= 1
    assert all(series < 250 for series, _ in groups)


POINTS = st.tuples(
    st.integers(0, 2), st.integers(0, 8), st.one_of(st.none(), st.integers(0, 9).map(float))
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(POINTS, max_size=12), max_size=4), st.integers(1, 4))
def test_queries_give_the_same_before_and_after_and_with_late_points(batches, slice_rows):
    """The last that came wins, whether it lies sorted, hot, or came after its time was sorted."""
    how = SortingSettings(grace_s=0, stretch_rows=4, slice_rows=slice_rows, rests=0.0)
    expected = {}
    with open_store(clock_ns=lambda: T0 + 3600 * SECOND) as store, closing(Writer(store)) as writer:
        for number, batch in enumerate(batches):
            for place, (pod, at_s, value) in enumerate(batch):
                gap = value is None
                export = Export().gauge("g", value or 0.0, at_s, gap=gap, pod=str(pod))
                body = export.bytes()
                key = digest(body + bytes((number, place)))
                writer.submit(decode_metrics(body), key).result(10)
                labels = (("instance", "cart-0"), ("job", "cart"), ("pod", str(pod)))
                expected.setdefault(labels, {})[at_s] = "stale" if gap else value
            found = read(source(store), matchers("g"))
            assert found == {key: sorted(one.items()) for key, one in expected.items()}
            with closing(Sorter(store, writer.between, how)) as sorter:
                sorter.run_once()
            assert read(source(store), matchers("g")) == found
            assert read(source(store, block_samples=1), matchers("g"), 2, 5) == {
                key: points
                for key, one in found.items()
                if (points := [point for point in one if 2 <= point[0] <= 5])
            }


def test_increases_are_counted_from_sorted_points_as_from_others(store):
    values = (5, 7, 2, 4, 9, 1, 1, 3, 0, 8, 8, 9)
    put(store, *((1, at_s, value) for at_s, value in enumerate(values)))
    asked = (store.cursor(), [1], T0, T0 + 3600 * SECOND)
    before = increase(*asked).to_pylist()

    assert sort(store) == 4

    assert increase(*asked).to_pylist() == before


def test_the_thread_sorts_by_the_clock_while_readers_see_each_point_once(tmp_path):
    path = tmp_path / "mesh.duckdb"
    with (
        open_store(path, clock_ns=lambda: T0 + 3600 * SECOND) as store,
        closing(Writer(store)) as writer,
    ):
        put(store, *((series, at_s, 0) for at_s in range(9) for series in range(4)))
        before, seen = stored(store), []
        with sorting(store, writer.between, SMALL):
            deadline_s = time.monotonic() + 20
            while stored(store, "count(*) FILTER (is_sorted = 1)", "1") != [(36,)]:
                assert time.monotonic() < deadline_s
                seen.append(stored(store) == before)
        assert all(seen)
        assert stored(store) == before


def test_a_writer_that_is_closed_ends_no_thread_badly(store, caplog):
    put(store, *((1, at_s, 0) for at_s in range(12)))
    asked = threading.Event()

    def between(_):
        asked.set()
        raise StoreClosed

    with sorting(store, between, SMALL):
        assert asked.wait(20)
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
