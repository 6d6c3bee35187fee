"""Retention by bytes."""

import pytest

from collector.store.quota import enforce, used_bytes
from collector.store.store import open_store

DAY_NS = 86_400 * 10**9


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "mesh.duckdb") as opened:
        yield opened


def put_spans(store, rows, *, from_ns=0):
    store.cursor().execute(
        "INSERT INTO spans BY NAME SELECT hash(i) AS trace_hi, hash(i + 1) AS trace_lo,"
        " hash(i + 2) AS span_id, 1 AS resource_id, 1 AS name_id, 2 AS kind, ? + i AS start_ns,"
        " 5 AS duration_ns, 0 AS status, false AS is_error, 1 AS route_id, 1 AS flags_id,"
        " '' AS trace_state, '{}' AS attributes FROM range(?) t(i)",
        [from_ns, rows],
    )
    store.cursor().execute("CHECKPOINT")


def number(store, sql):
    return store.cursor().execute(sql).fetchone()[0]


def test_a_small_enough_file_is_left_alone(store):
    put_spans(store, 1000)

    assert enforce(store.cursor(), 2**30) == {}
    assert number(store, "SELECT count(*) FROM spans") == 1000


def test_the_oldest_spans_go_and_the_next_rows_use_their_blocks(store):
    put_spans(store, 500_000)
    limit = full = used_bytes(store.cursor())
    for step in range(1, 6):
        put_spans(store, 150_000, from_ns=step * DAY_NS)
        for _ in range(10):
            if not enforce(store.cursor(), limit):
                break
            store.cursor().execute("CHECKPOINT")
        assert used_bytes(store.cursor()) <= limit
        assert number(store, "SELECT max(start_ns) FROM spans") >= step * DAY_NS
    assert number(store, "SELECT min(start_ns) FROM spans") > 0
    assert store.path.stat().st_size < 2 * full


def test_rollups_are_given_up_last_and_hours_never(store):
    cursor = store.cursor()
    cursor.execute("INSERT INTO metric_points VALUES (1, 1, 0, 1, NULL)")
    for tier in ("10s", "1m", "1h"):
        cursor.execute(f"INSERT INTO sli_{tier} VALUES (0, 1, 5, 5)")
    put_spans(store, 130_000)

    deleted = enforce(cursor, 1)
    assert (set(deleted), number(store, "SELECT count(*) FROM metric_points")) == ({"spans"}, 1)

    deleted = enforce(cursor, 1)
    assert number(store, "SELECT count(*) FROM spans") == 0
    kept = [number(store, f"SELECT count(*) FROM sli_{tier}") for tier in ("10s", "1m", "1h")]
    assert kept == [0, 0, 1]
