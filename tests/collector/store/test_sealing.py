"""Hours become files: nothing is lost, nothing is twice, at any moment."""

import time

import pyarrow.parquet as pq
import pytest

from collector.store.sealed_files import SealedRetention, sealed_folder
from collector.store.sealing import Sealer, SealingSettings
from collector.store.store import open_store
from collector.store.traces import trace
from tests.collector.exports import T0
from tests.collector.spans import (
    HOUR,
    every_span,
    files,
    put_names,
    put_spans,
    rows,
    seal,
    some_traces,
    span,
)


@pytest.fixture
def store(sealable):
    return sealable


def test_an_hour_that_is_over_becomes_a_file_sorted_by_trace_and_reads_the_same(store):
    put_spans(store, some_traces()[::-1])
    before = every_span(store)

    assert seal(store) == 1

    assert (rows(store, "spans"), files(store)) == (0, ["2027-01-15-08-1.parquet"])
    assert every_span(store) == before
    table = pq.read_table(sealed_folder(store.path) / files(store)[0])
    order = table.select(["trace_hi", "trace_lo", "start_ns"]).to_pylist()
    assert order == sorted(order, key=lambda row: tuple(row.values()))
    assert set(table["keep_reason"].to_pylist()) == {"all"}


@pytest.mark.parametrize(("after_s", "parts"), [(3599, 0), (3899, 0), (3900, 1)])
def test_an_hour_is_sealed_when_its_grace_is_over(store, clock, after_s, parts):
    put_spans(store, [span(1)])
    clock.now_ns = T0 - T0 % HOUR + after_s * 10**9

    assert seal(store, grace_s=300) == parts


def test_spans_stay_hot_while_edges_may_be_counted_from_them_again(sealable, clock):
    put_spans(sealable, [span(1), span(2, duration_ns=HOUR + 400 * 10**9)])

    assert seal(sealable) == 1  # the second has ended ten minutes ago
    assert rows(sealable, "spans") == 1


def test_sealing_waits_for_edges_that_are_counted_late(sealable, clock):
    put_spans(sealable, [span(1)])
    sealable.cursor().execute("INSERT INTO meta VALUES ('span_edges_to_s', ?)", [str(T0 // 10**9)])

    assert seal(sealable) == 0


def test_a_trace_across_hours_is_found_whole_with_the_names_of_its_spans(store):
    put_spans(store, [span(1, number=0, service=1), span(1, number=1, service=2, at_ns=2 * HOUR)])
    seal(store)

    found = trace(store, 1, 77)
    assert found["service"].to_pylist() == ["cart", "payment"]
    assert found["name"].to_pylist() == ["GET /"] * 2
    assert found["keep_reason"].to_pylist() == ["all", None]


def test_a_trace_nobody_knows_is_empty_with_its_columns(store):
    found = trace(store, 404, 0)

    assert len(found) == 0
    assert {"service", "attributes", "keep_reason"} <= set(found.column_names)


def test_a_hint_spares_files_far_from_it(store, clock):
    put_spans(store, [span(1)])
    seal(store)

    assert len(trace(store, 1, 77, hint_ns=T0 + HOUR // 2)) == 1
    assert len(trace(store, 1, 77, hint_ns=T0 + 5 * HOUR)) == 0


def test_late_spans_wait_and_then_get_a_further_file_of_their_hour(store, clock):
    put_spans(store, [span(1)])
    seal(store)
    put_spans(store, [span(1, number=1, at_ns=5)])

    assert seal(store) == 0
    assert len(trace(store, 1, 77)) == 2
    clock.now_ns += HOUR
    assert seal(store) == 1
    assert files(store) == ["2027-01-15-08-1.parquet", "2027-01-15-08-2.parquet"]
    assert len(trace(store, 1, 77)) == 2


def test_many_late_spans_do_not_wait(store):
    put_spans(store, [span(1)])
    seal(store)
    put_spans(store, [span(2)])

    assert seal(store, late_rows=1) == 1


def test_a_large_hour_is_sealed_in_parts_by_trace(store):
    put_spans(store, some_traces(50))
    before = every_span(store)

    assert seal(store, file_rows=40) == 4
    assert every_span(store) == before
    assert rows(store, "trace_index") == 50  # each trace lies in one file


def test_a_span_that_comes_while_its_hour_is_written_stays_hot(store):
    put_spans(store, [span(1)])
    came = []

    def progress(step):
        if step == "written":
            came.append(step)
            put_spans(store, [span(2)])

    sealer = Sealer(store, SealingSettings(), progress=progress)
    sealer.run_once()
    sealer.close()

    assert came == ["written"]
    assert [one["trace_hi"] for one in every_span(store)] == [1, 2]
    assert rows(store, "spans") == 1


def test_a_reader_sees_each_span_once_at_every_step(store):
    put_spans(store, some_traces())
    before, seen = every_span(store), []
    sealer = Sealer(store, progress=lambda _: seen.append(every_span(store)))
    sealer.run_once()
    sealer.close()

    assert len(seen) >= 5
    assert all(one == before for one in seen)


def test_a_sealing_that_fails_leaves_no_file_and_is_done_again(store):
    put_spans(store, [span(1)])
    broken = ["renamed"]

    def progress(step):
        if step in broken:
            broken.remove(step)
            raise OSError("no space left on device")

    sealer = Sealer(store, progress=progress)
    with pytest.raises(OSError, match="no space"):
        sealer.run_once()
    assert (files(store), rows(store, "spans")) == ([], 1)

    assert sealer.run_once() == 1
    sealer.close()
    assert len(every_span(store)) == 1


def test_files_of_others_are_no_orphans(store):
    folder = sealed_folder(store.path)
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("keep")
    (folder / "2027-01-15-08-9.parquet").write_text("orphan")
    (folder / "2027-01-15-08-9.parquet.tmp").write_text("orphan")

    Sealer(store).close()

    assert files(store) == ["notes.txt"]


def test_files_are_forgotten_by_age(store, clock):
    put_spans(store, [span(1)])
    seal(store)
    clock.now_ns = T0 + 25 * HOUR
    seal(store, retention=SealedRetention(age_s=24 * 3600))

    assert (files(store), rows(store, "trace_index"), every_span(store)) == ([], 0, [])


def test_files_are_forgotten_by_bytes_the_oldest_first(store, clock):
    put_spans(store, [span(1), span(2, at_ns=HOUR)])
    clock.now_ns += HOUR
    seal(store)
    (size,) = store.cursor().execute("SELECT max(bytes) FROM sealed_files").fetchone()
    seal(store, retention=SealedRetention(bytes=size))

    assert [row["trace_hi"] for row in every_span(store)] == [2]
    assert len(files(store)) == 1


def test_the_thread_seals_by_itself_and_ends_when_told(tmp_path, clock):
    with open_store(tmp_path / "mesh.duckdb", clock_ns=clock) as store:
        put_names(store)
        put_spans(store, [span(1)])
        sealer = Sealer(store, SealingSettings(every_s=0.01))
        sealer.start()
        for _ in range(1000):
            if not rows(store, "spans"):
                break
            time.sleep(0.01)
        sealer.close()
        assert len(every_span(store)) == 1


def test_a_store_in_memory_has_nothing_to_seal_but_is_searched():
    with open_store() as store:
        put_names(store)
        put_spans(store, [span(1)])
        with pytest.raises(ValueError, match="in memory"):
            Sealer(store)
        assert len(trace(store, 1, 77)) == len(every_span(store)) == 1


def test_columns_that_a_later_version_adds_do_not_hide_older_files(store):
    put_spans(store, [span(1)])
    seal(store)
    store.cursor().execute("ALTER TABLE spans ADD COLUMN colour VARCHAR DEFAULT 'red'")
    put_spans(store, [span(1, number=1)])

    assert trace(store, 1, 77)["colour"].to_pylist() == [None, "red"]


def test_a_large_hour_is_sealed_before_its_end_as_far_as_it_is_settled(store, clock):
    put_spans(store, [span(1), span(2, at_ns=HOUR // 2)])
    clock.now_ns = T0 - T0 % HOUR + 700 * 10**9

    assert seal(store, early_rows=2) == 0  # only the first is settled
    assert seal(store, early_rows=1) == 1
    assert rows(store, "spans") == 1

    clock.now_ns = T0 - T0 % HOUR + HOUR + 900 * 10**9
    assert seal(store) == 1  # what is left is not late
    assert len(files(store)) == 2
    assert [len(trace(store, number, 77)) for number in (1, 2)] == [1, 1]
