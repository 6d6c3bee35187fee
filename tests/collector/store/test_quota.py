"""Retention by bytes: what lies on the disk stays below the limit, and counts go last."""

import numpy as np
import pyarrow as pa
import pytest

from collector import semconv
from collector.otlp.metrics import decode_metrics
from collector.otlp.traces import decode_traces
from collector.store import reader
from collector.store.compaction import Retention
from collector.store.quota import ROW_BYTES, SLICE_ROWS, STAGES, TIMES, Quota, usage_of
from collector.store.store import open_store
from collector.store.writer import Writer, WriterLimits
from tests.collector.exports import SECOND, T0, digest, metrics, requests, span_request
from tests.collector.spans import files, rows, seal, some_traces
from tests.collector.spans import put_spans as put_rows

HOUR_NS = 3600 * SECOND
MIB = 2**20


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "mesh.duckdb") as opened:
        yield opened


def put_spans(store, number, *, from_ns=T0):
    store.cursor().execute(
        "INSERT INTO spans BY NAME SELECT hash(i) AS trace_hi, hash(i + 1) AS trace_lo,"
        " hash(i + 2) AS span_id, 1 AS resource_id, 1 AS name_id, 2 AS kind, ? + i AS start_ns,"
        " 5 AS duration_ns, 0 AS status, false AS is_error, 1 AS route_id, 1 AS flags_id,"
        " '' AS trace_state, '{}' AS attributes FROM range(?) t(i)",
        [from_ns, number],
    )
    store.cursor().execute("CHECKPOINT")


def oldest(store, table="spans"):
    return store.cursor().execute(f"SELECT min({TIMES[table]}) FROM {table}").fetchone()[0]


def keep_within(store, limit_bytes, *, now_ns=T0 + HOUR_NS):
    """Let a quota work to its end, with a checkpoint whenever it asks for one."""
    quota, cursor = Quota(store.path, limit_bytes), store.cursor()
    while quota.slice(cursor, now_ns):
        if quota.wants_checkpoint:
            cursor.execute("CHECKPOINT")
    return quota.deleted


def test_a_small_enough_store_is_left_alone(store):
    put_spans(store, 1000)

    assert keep_within(store, 2**30) == {}
    assert rows(store, "spans") == 1000


def test_every_table_that_grows_with_telemetry_is_counted_and_given_up(store):
    tables = {row[0] for row in store.cursor().execute("SHOW TABLES").fetchall()}
    names = {"meta", "resources", "strings", "metric_series", "bounds", "metric_descriptions",
             "exporter_starts", "scopes", "edges"}  # fmt: skip
    by_age = {"sli_1h", "latency_1h", "heartbeats", "export_requests", "sampled_out"}
    sealing = {"sealed_files", "trace_index", "sampling_decisions"}
    by_number = {"told_alerts", "alert_groups", "incident_entries"}

    assert set(ROW_BYTES) == tables - names - by_age - sealing - by_number
    assert {table for stage in STAGES for table in stage} == set(TIMES)


def test_the_oldest_spans_go_slice_by_slice_and_the_next_rows_use_their_blocks(store):
    put_spans(store, 300_000)
    gone = 0
    limit = 2 * usage_of(store.cursor(), store.path).on_disk_bytes
    for step in range(1, 4):
        put_spans(store, 150_000, from_ns=T0 + step * HOUR_NS)
        before = rows(store, "spans")
        deleted = keep_within(store, limit, now_ns=T0 + step * HOUR_NS).get("spans", 0)
        gone += deleted
        assert rows(store, "spans") == before - deleted
        assert usage_of(store.cursor(), store.path).live_bytes <= limit / 2
    assert oldest(store) > T0 + HOUR_NS
    assert gone >= 2 * 100_000
    assert store.path.stat().st_size < limit


def test_a_slice_is_bounded_and_estimates_what_it_freed_before_a_checkpoint_tells(store):
    put_spans(store, 5 * SLICE_ROWS)
    used = usage_of(store.cursor(), store.path).on_disk_bytes
    quota, cursor = Quota(store.path, int(2 * used / 1.3)), store.cursor()

    slices = 0
    while quota.slice(cursor, T0 + HOUR_NS):
        slices += 1
        assert quota.wants_checkpoint
        assert quota.deleted["spans"] == slices * SLICE_ROWS

    assert slices == 2, "a quarter of five slices, and no more although nothing is free yet"


def test_sealed_files_go_first_and_the_oldest_of_them(sealable, clock):
    for hour in range(3):
        put_rows(sealable, some_traces(200, start_ns=T0 + hour * HOUR_NS))
        clock.now_ns = T0 + (hour + 2) * HOUR_NS
        assert seal(sealable) == 1
    put_rows(sealable, some_traces(20, start_ns=T0 + 3 * HOUR_NS))
    sealable.cursor().execute("CHECKPOINT")
    usage = usage_of(sealable.cursor(), sealable.path)
    assert usage.sealed_bytes > 0

    one_less = 2 * (usage.on_disk_bytes - 100)
    deleted = keep_within(sealable, one_less, now_ns=clock.now_ns)

    assert deleted == {"sealed_files": 1}
    assert [name[:13] for name in files(sealable)] == ["2027-01-15-09", "2027-01-15-10"]
    assert rows(sealable, "sealed_files") == 2
    assert rows(sealable, "spans") == 60


def test_rows_of_the_last_hour_stay_while_older_ones_of_other_signals_are_left(store):
    cursor = store.cursor()
    put_spans(store, 1000, from_ns=T0 + HOUR_NS)
    cursor.execute("INSERT INTO metric_points SELECT 1, ?, 0, 1, NULL, 0 FROM range(3)", [T0])
    quota = Quota(store.path, 1)

    assert quota.slice(cursor, T0 + HOUR_NS + SECOND)
    assert quota.deleted == {"metric_points": 3}
    quota.slice(cursor, T0 + HOUR_NS + SECOND)
    assert quota.deleted == {"metric_points": 3, "spans": 1000}


def test_rollups_are_given_up_last_in_whole_buckets_and_hours_never(store):
    cursor = store.cursor()
    cursor.execute("INSERT INTO metric_points VALUES (1, 1, 0, 1, NULL, 0)")
    for tier in ("10s", "1m", "1h"):
        for edge, bucket_s in ((1, 0), (2, 0), (1, 7200), (1, 2**40)):
            cursor.execute(f"INSERT INTO sli_{tier} VALUES (?, ?, 5, 5)", [bucket_s, edge])
    put_spans(store, 1000)
    quota, seen = Quota(store.path, 1), []
    while quota.slice(cursor, T0 + HOUR_NS):
        left = cursor.execute("SELECT bucket_s, edge_id FROM sli_10s ORDER BY ALL").fetchall()
        seen.append((rows(store, "spans"), rows(store, "metric_points"), len(left)))

    assert seen[:3] == [(1000, 0, 4), (0, 0, 4), (0, 0, 2)]
    kept = [rows(store, f"sli_{tier}") for tier in ("10s", "1m", "1h")]
    assert kept == [0, 0, 4]


def test_a_store_that_takes_far_more_than_its_quota_stays_below_it(tmp_path):
    """Rows go into a real file, with a slice after each commit and the checkpoints it asks for."""
    limit, steps, peak, sent = 12 * MIB, 26, 0, 0
    spans = decode_traces(span_request()).spans.take([0] * 8_000)
    spans = spans.rename_columns([_IN_TABLE.get(name, name) for name in spans.column_names])
    with open_store(tmp_path / "mesh.duckdb") as store:
        cursor, quota = store.cursor(), Quota(store.path, limit)
        for step in range(steps):
            now_ns = T0 + step * 600 * SECOND
            incoming = _random_ids(spans, step, now_ns)
            sent += incoming.nbytes
            cursor.register("incoming", incoming)
            cursor.execute("INSERT INTO spans BY NAME SELECT * FROM incoming")
            cursor.execute("INSERT INTO sli_1h VALUES (0, 1, 1, 1)")
            while quota.slice(cursor, now_ns):
                pass
            peak = max(peak, usage_of(cursor, store.path).on_disk_bytes)
            if quota.wants_checkpoint:
                cursor.execute("CHECKPOINT")
            peak = max(peak, usage_of(cursor, store.path).on_disk_bytes)
        newest = cursor.execute("SELECT max(start_ns) FROM spans").fetchone()[0]

        assert sent > 1.7 * limit
        assert peak <= limit
        assert 0 < rows(store, "spans") < steps * 8_000 - SLICE_ROWS
        assert newest == now_ns
        assert rows(store, "sli_1h") == steps


_IN_TABLE = {"resource": "resource_id", "name": "name_id", "route": "route_id", "flags": "flags_id"}


def test_the_writer_keeps_its_store_within_the_quota(tmp_path):
    with open_store(tmp_path / "mesh.duckdb", clock_ns=lambda: T0) as store:
        put_spans(store, 3 * SLICE_ROWS, from_ns=T0 - 2 * HOUR_NS)
        limits = WriterLimits(window_s=0, quota_every_s=0)
        writer = Writer(store, limits=limits, retention=Retention(store_bytes=MIB))
        for step in range(6):
            count = requests(step + 1, time_ns=T0 + step * SECOND)
            writer.submit(decode_metrics(count), digest(count)).result(30)
        writer.close()
        counted = reader.edge_counts(store.cursor(), 0, 2**40)["requests"].to_pylist()

        assert rows(store, "spans") == 0
        assert counted == [6]


def _random_ids(spans, seed, now_ns):
    """Give each span ids and attributes of its own, so that they take their room."""
    chance = np.random.default_rng(seed)
    names = spans.column_names
    for name in ("trace_hi", "trace_lo", "span_id"):
        ids = pa.array(chance.integers(1, 2**63, len(spans)).astype(np.uint64))
        spans = spans.set_column(names.index(name), name, ids)
    pairs = chance.integers(1, 2**62, (len(spans), 2)).tolist()
    texts = pa.array([f'{{"id":"{n:016x}{m:016x}"}}' for n, m in pairs])
    spans = spans.set_column(names.index("attributes"), "attributes", texts)
    start = pa.array(np.full(len(spans), now_ns))
    return spans.set_column(names.index("start_ns"), "start_ns", start)


def test_counters_whose_last_points_were_given_up_are_not_counted_again(tmp_path):
    path = tmp_path / "mesh.duckdb"

    def flush(value, step, **tags):
        body = metrics(
            [
                (semconv.SLI_REQUESTS, tags, value),
                (semconv.SLI_DURATION, tags, ([64.0, 128.0], [value, 0, 0])),
            ],
            time_ns=T0 + step * 3600 * SECOND,
        )
        with open_store(path, clock_ns=lambda: T0 + step * HOUR_NS) as store:
            writer = Writer(store, limits=WriterLimits(window_s=0))
            writer.submit(decode_metrics(body), digest(body)).result(30)
            writer.close()
            store.cursor().execute("DELETE FROM metric_points")
            store.cursor().execute("DELETE FROM histogram_points")
            cursor = store.cursor()
            counted = reader.edge_counts(cursor, 0, 2**40)["requests"].to_pylist()
            timed = reader.edge_latency(cursor, 0, 2**40)["count"].to_pylist()
            return sum(counted), sum(timed)

    assert flush(5, 0) == (5, 5), "newborn: all of it is news"
    assert flush(7, 1) == (5, 5), "what came since is not known, and not guessed"
    assert flush(4, 2, **{semconv.TAG_ROUTE: "new"}) == (9, 9), "a new series is news"
