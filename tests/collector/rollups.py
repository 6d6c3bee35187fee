"""Rows put straight into the rollup tables, for tests that read."""

from collector.edges import Edge
from collector.store.store import Store
from collector.store.tiers import TIERS_S

BACKEND = Edge("source", "frontend", "backend", "v1", "r", 200, "-", "mtls")


def put(store: Store, edge: Edge, edge_id: int, rows, latencies=()):
    """Store (time_s, requests, attempts) and (time_s, bucket, count) of an edge in every tier."""
    cursor = store.cursor()
    cursor.execute(
        "INSERT INTO edges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            edge_id,
            edge.reporter,
            edge.source,
            edge.destination,
            edge.version,
            edge.route,
            edge.code,
            edge.flags,
            edge.mtls,
            edge.canonical,
            edge.signal,
            edge.workload,
        ],
    )
    for tier, length in TIERS_S.items():
        for time_s, requests, attempts in rows:
            cursor.execute(
                f"INSERT INTO sli_{tier} VALUES (?, ?, ?, ?)",
                [time_s - time_s % length, edge_id, requests, attempts],
            )
        for time_s, bucket, count in latencies:
            cursor.execute(
                f"INSERT INTO latency_{tier} VALUES (?, ?, ?, ?)",
                [time_s - time_s % length, edge_id, bucket, count],
            )
