"""How long a commit waits, by how checkpoints are made.

    .venv/bin/python benchmarks/checkpoints.py --seconds 60 --dir .

Commits of 5,000 spans, ten a second, into a file on disk. ``auto`` is DuckDB's own way, at 16 MiB
inside a commit; ``between`` a CHECKPOINT by the committing thread at so many MiB; ``ours`` the
thread of ``collector.store.checkpoint``. One line of JSON for each: percentiles of the time from
begin to end of commit; for ``between`` the checkpoint is part of what the next sender waits for.
"""

import argparse
import json
import tempfile
import time
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from collector.store.checkpoint import Checkpointer, CheckpointPolicy, wal_bytes
from collector.store.disk import DiskWatch
from collector.store.store import open_store

MIB = 2**20
ROWS = 5000
EVERY_S = 0.1


def spans(seed: int) -> pa.Table:
    """Return rows as a mesh sends them: random ids, few names, attributes of some 100 bytes."""
    chance = np.random.default_rng(seed)
    attributes = [
        f'{{"http.url":"/api/{a}","user.id":"u{b}","net.peer.ip":"10.0.{c % 256}.1","size":{d}}}'
        for a, b, c, d in chance.integers(0, 100_000, (ROWS, 4)).tolist()
    ]
    columns = {
        name: pa.array(chance.integers(0, 2**63, ROWS, dtype=np.uint64))
        for name in ("trace_hi", "trace_lo", "span_id", "parent_id")
    }
    few = {"resource_id": 50, "name_id": 200, "route_id": 100, "flags_id": 5, "kind": 6}
    columns |= {name: pa.array(chance.integers(0, n, ROWS)) for name, n in few.items()}
    columns |= {
        "start_ns": pa.array(seed * 10**9 + np.arange(ROWS) * 20_000),
        "duration_ns": pa.array(chance.integers(1000, 10**8, ROWS)),
        "status": pa.array(np.zeros(ROWS, np.uint8)),
        "is_error": pa.array(np.zeros(ROWS, bool)),
        "trace_state": pa.array([""] * ROWS),
        "attributes": pa.array(attributes),
    }
    return pa.table(columns)


def commit(cursor: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    cursor.begin()
    cursor.register("incoming", rows)
    cursor.execute("INSERT INTO spans BY NAME SELECT * FROM incoming")
    cursor.unregister("incoming")
    cursor.commit()


def measure(path: Path, way: str, wal_mib: int, seconds: float) -> list[float]:
    """Return the milliseconds of every commit."""
    waited_ms: list[float] = []
    batches = [spans(seed) for seed in range(8)]
    with open_store(path) as store, closing(store.cursor()) as cursor:
        if way == "auto":
            store.connection.execute("SET wal_autocheckpoint = '16MiB'")
        policy = CheckpointPolicy(wal_bytes=wal_mib * MIB if way == "ours" else 2**60)
        running = Checkpointer(path, store.cursor(), DiskWatch(lambda: None), print, policy)
        end_s = time.monotonic() + seconds
        with closing(running):
            while (started_s := time.monotonic()) < end_s:
                commit(cursor, batches[len(waited_ms) % len(batches)])
                if way == "between" and wal_bytes(path) >= wal_mib * MIB:
                    cursor.execute("CHECKPOINT")
                waited_s = time.monotonic() - started_s
                waited_ms.append(waited_s * 1000)
                time.sleep(max(0.0, EVERY_S - waited_s))
    return waited_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--dir", type=Path, default=None, help="on the disk to be measured")
    wanted = parser.parse_args()
    for way, wal_mib in (("auto", 16), ("between", 64), ("ours", 16), ("ours", 64)):
        with tempfile.TemporaryDirectory(dir=wanted.dir) as folder:
            waited = measure(Path(folder) / "bench.duckdb", way, wal_mib, wanted.seconds)
        p50, p99 = np.percentile(waited, [50, 99])
        line = {
            "question": "checkpoints",
            "way": way,
            "wal_mib": wal_mib,
            "commits": len(waited),
            "rows_per_commit": ROWS,
            "p50_ms": round(p50),
            "p99_ms": round(p99),
            "max_ms": round(max(waited)),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
