"""When checkpoints come, and what becomes of the log."""

import time
from contextlib import closing

import pytest

from collector.store.checkpoint import Checkpointer, CheckpointPolicy, wal_bytes
from collector.store.disk import DiskWatch
from collector.store.store import open_store

MIB = 2**20
NEVER = CheckpointPolicy(wal_bytes=2**60, every_s=2**30, look_every_s=0.01)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "mesh.duckdb") as opened:
        opened.cursor().execute("CHECKPOINT")
        yield opened


def checkpointer(store, free=None, **policy):
    changed = {name: policy.get(name, getattr(NEVER, name)) for name in NEVER.__slots__}
    return closing(
        Checkpointer(store.path, store.cursor(), DiskWatch(lambda: free), pytest.fail,
                     CheckpointPolicy(**changed))
    )  # fmt: skip


def fill(store):
    store.cursor().execute("INSERT INTO strings SELECT i, md5(i::VARCHAR) FROM range(50_000) t(i)")


def wait_until(is_so):
    deadline_s = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_commit_never_checkpoints_by_itself(store):
    with checkpointer(store) as running:
        for _ in range(10):
            fill(store)
        assert wal_bytes(store.path) > 16 * MIB  # DuckDB's own threshold
        wait_until(lambda: running.wal_bytes > 16 * MIB)
        assert running.stats.done == 0


def test_a_log_of_some_size_goes_into_the_file(store):
    with checkpointer(store, wal_bytes=MIB) as running:
        fill(store)
        wait_until(lambda: wal_bytes(store.path) == 0 and running.stats.done >= 1)


def test_a_small_log_waits_until_it_is_old_or_wanted(store):
    store.cursor().execute("INSERT INTO strings VALUES (1, 'a')")
    with checkpointer(store) as running:
        running.want()
        wait_until(lambda: running.stats.done == 1)
    store.cursor().execute("INSERT INTO strings VALUES (2, 'b')")
    with checkpointer(store, every_s=0.05) as running:
        wait_until(lambda: running.stats.done == 1)


def test_without_room_for_it_there_is_none_until_there_is(store):
    fill(store)
    for free, done in ((3 * MIB, 0), (1000 * MIB, 1)):
        with checkpointer(store, free=free, wal_bytes=1) as running:
            wait_until(lambda running=running: running.wal_bytes or running.stats.done)
            wait_until(lambda running=running, done=done: running.stats.done == done)
            time.sleep(0.05)  # long enough for one more, were it wanted
            assert running.stats.done == done
    assert wal_bytes(store.path) == 0


def test_readers_go_on_through_a_checkpoint_and_do_not_stop_it(store):
    with store.snapshot() as cursor, checkpointer(store, wal_bytes=1) as running:
        seen = cursor.execute("SELECT count(*) FROM strings").fetchone()
        fill(store)
        wait_until(lambda: running.stats.done >= 1)
        assert cursor.execute("SELECT count(*) FROM strings").fetchone() == seen


def test_a_commit_at_work_puts_it_off_and_is_no_failure(store):
    fill(store)
    writing = store.cursor()
    writing.begin()
    writing.execute("UPDATE strings SET value = 'open' WHERE string_id = 1")  # inserts do not
    with checkpointer(store) as running:
        running.want()
        wait_until(lambda: running.stats.put_off >= 2)
        assert (running.stats.done, running.stats.failed) == (0, 0)
        writing.commit()
        wait_until(lambda: running.stats.done == 1)
        assert sum(running.stats.seconds.value().counts) == 1


def test_a_checkpoint_gets_its_turn_beside_a_writer_that_never_rests(store):
    with checkpointer(store, wal_bytes=1) as running:
        cursor = store.cursor()
        deadline_s = time.monotonic() + 20
        while running.stats.done < 3:
            assert time.monotonic() < deadline_s
            with running.writing():
                cursor.begin()
                cursor.execute("INSERT INTO strings SELECT i, 'x' FROM range(1000) t(i)")
                time.sleep(0.005)  # most of the time a transaction is open
                cursor.commit()
        assert running.stats.failed == 0
