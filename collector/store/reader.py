"""Questions about edges over a window: counts, latencies, exporters. Arrow tables out.

Never writes, never computes a ratio. Windows are [from_s, to_s) in unix seconds and are answered
exactly, to the 10 s bucket, out of the coarsest rollups that fit (``tiers``). By default only
canonical rows are read, so that each request counts once.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Literal

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.edges import ERROR_SQL
from collector.semconv import ORIGIN, REMOTE_WRITE
from collector.store.remembered import Base
from collector.store.tiers import TIERS_S, split

EDGE_COLUMNS: Final = (
    "reporter",
    "source",
    "destination",
    "version",
    "route",
    "code",
    "flags",
    "mtls",
    "signal",
    "canonical",
)


def edge_counts(
    cursor: duckdb.DuckDBPyConnection,
    from_s: int,
    to_s: int,
    *,
    by: Sequence[str] = EDGE_COLUMNS,
    step_s: int | None = None,
    canonical: bool = True,
    only: Mapping[str, str] | None = None,
    base: Base | None = None,
) -> pa.Table:
    """Return [bucket_s], *by, requests, errors, attempts, retries; sorted, int64 counts.

    With ``step_s``, a multiple of 10, bucket_s is from_s, from_s + step_s...: only buckets with
    data; an unaligned from_s is rounded up to 10 s first.
    Retries are the attempts of an edge beyond its requests, never below 0. ``only`` names columns
    and the one value that each must have. ``base`` of this cursor's snapshot spares a window from 0
    to be read from there.
    """
    keys = _keys(by, step_s)
    counts = (
        "coalesce(sum(requests), 0)::BIGINT AS requests",
        f"coalesce(sum(requests) FILTER ({ERROR_SQL}), 0)::BIGINT AS errors",
        "coalesce(sum(attempts), 0)::BIGINT AS attempts",
        "coalesce(sum(greatest(attempts - requests, 0)), 0)::BIGINT AS retries",
    )
    sums = "sum(requests) AS requests, sum(attempts) AS attempts"
    source = _per_edge("sli", sums, from_s, to_s, step_s, only or {}, base)
    with _told("sli", cursor, base):
        return _grouped(cursor, source, keys, counts, canonical=canonical, only=only or {})


def edge_latency(
    cursor: duckdb.DuckDBPyConnection,
    from_s: int,
    to_s: int,
    *,
    by: Sequence[str] = ("source", "destination"),
    step_s: int | None = None,
    canonical: bool = True,
    only: Mapping[str, str] | None = None,
    base: Base | None = None,
) -> pa.Table:
    """Return [bucket_s], *by, latency_bucket, count: long format, only filled buckets.

    ``only`` and ``base`` as in ``edge_counts``.
    """
    keys = [*_keys(by, step_s), "latency_bucket"]
    sums = "latency_bucket, sum(count) AS count"
    source = _per_edge("latency", sums, from_s, to_s, step_s, only or {}, base)
    count = ("sum(count)::BIGINT AS count",)
    with _told("latency", cursor, base):
        return _grouped(cursor, source, keys, count, canonical=canonical, only=only or {})


def canonical_edges(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return edge_id, source, destination, version, route, code of every edge that counts."""
    columns = "edge_id, source, destination, version, route, code"
    return cursor.execute(f"SELECT {columns} FROM edges WHERE canonical").to_arrow_table()


def bucket_rows(
    cursor: duckdb.DuckDBPyConnection,
    table: Literal["sli", "latency"],
    tier: str,
    from_s: int,
    to_s: int,
    edges: NDArray[np.int64],
) -> pa.Table:
    """Return the rows of a tier whose buckets begin in [from_s, to_s), of these edges, as they lie.

    edge_id, bucket_s, and requests; or latency_bucket and count. To be summed: several rows of one
    edge and bucket are fine. It is the way to read many edges at every step: grouping costs more.
    """
    columns = "requests" if table == "sli" else "latency_bucket, count"
    return cursor.execute(
        f"SELECT edge_id, bucket_s, {columns} FROM {table}_{tier}"
        " WHERE bucket_s >= ? AND bucket_s < ? AND edge_id IN (SELECT unnest(?::INTEGER[]))",
        [from_s, to_s, edges.tolist()],
    ).to_arrow_table()


def exporters(
    cursor: duckdb.DuckDBPyConnection, from_s: int | None = None, to_s: int | None = None
) -> pa.Table:
    """Return service, namespace, version, instance, last_seen_s of who was heard in the window."""
    return cursor.execute(
        "SELECT service, namespace, version, instance, max(bucket_s)::BIGINT AS last_seen_s"
        " FROM heartbeats JOIN resources USING (resource_id)"
        " WHERE bucket_s >= coalesce(?, 0) AND (?::BIGINT IS NULL OR bucket_s < ?)"
        f" AND json_extract_string(attributes, '{ORIGIN}') IS DISTINCT FROM '{REMOTE_WRITE}'"
        " GROUP BY ALL ORDER BY ALL",
        [from_s, to_s, to_s],
    ).to_arrow_table()


def versions_heard(cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int) -> pa.Table:
    """Return service, version, first_s, last_s of the heartbeats within the window, sorted."""
    return cursor.execute(
        "SELECT service, version, min(bucket_s)::BIGINT AS first_s, max(bucket_s)::BIGINT AS last_s"
        " FROM heartbeats JOIN resources USING (resource_id)"
        " WHERE bucket_s >= ? AND bucket_s < ?"
        f" AND json_extract_string(attributes, '{ORIGIN}') IS DISTINCT FROM '{REMOTE_WRITE}'"
        " GROUP BY ALL ORDER BY ALL",
        [from_s, to_s],
    ).to_arrow_table()


def kept_from_s(cursor: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Return the start of the oldest bucket by its length, 10, 60 and 3600 s; none without any."""
    found = {
        length: _scalar(cursor, f"SELECT min(bucket_s) FROM sli_{tier}")
        for tier, length in TIERS_S.items()
    }
    return {length: first for length, first in found.items() if first is not None}


def first_bucket_s(cursor: duckdb.DuckDBPyConnection) -> int | None:
    """Return the start of the oldest bucket with a count, as finely as still known."""
    first: int | None = None
    within_s = 0
    for length, found in sorted(kept_from_s(cursor).items(), reverse=True):
        if first is None or found < first + within_s:
            first = found
        within_s = length
    return first


def last_bucket_s(cursor: duckdb.DuckDBPyConnection) -> int | None:
    """Return the start of the newest 10 s bucket with a count."""
    return _scalar(cursor, "SELECT max(bucket_s) FROM sli_10s")


def first_point_s(cursor: duckdb.DuckDBPyConnection) -> int | None:
    """Return when the oldest number, distribution or count that we keep was told."""
    points = " UNION ALL ".join(
        f"SELECT min(time_ns) // 1000000000 AS at_s FROM {table}"
        for table in ("metric_points", "histogram_points", "exponential_points", "summary_points")
    )
    told = _scalar(cursor, f"SELECT min(at_s) FROM ({points})")
    marks = [mark for mark in (told, first_bucket_s(cursor)) if mark is not None]
    return min(marks, default=None)


def _scalar(cursor: duckdb.DuckDBPyConnection, sql: str) -> int | None:
    row = cursor.execute(sql).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _keys(by: Sequence[str], step_s: int | None) -> list[str]:
    unknown = [name for name in by if name not in EDGE_COLUMNS]
    if unknown:
        raise ValueError(f"no such edge column: {', '.join(unknown)}")
    if step_s is not None and (step_s <= 0 or step_s % TIERS_S["10s"]):
        raise ValueError(f"a step must be a positive multiple of 10 s, got {step_s}")
    return [*(["bucket_s"] if step_s else []), *by]


@contextmanager
def _told(kind: str, cursor: duckdb.DuckDBPyConnection, base: Base | None) -> Iterator[None]:
    """Let statements of a cursor read a base as the table ``base``."""
    if base is None:
        yield
        return
    cursor.register("base", base.rows(kind))
    try:
        yield
    finally:
        cursor.unregister("base")


def _per_edge(
    table: str,
    sums: str,
    from_s: int,
    to_s: int,
    step_s: int | None,
    only: Mapping[str, str],
    base: Base | None,
) -> str:
    """Sum per edge first: an edge's requests and attempts may lie in different rows."""
    chosen = " AND ".join(f"{name} = ${name}" for name in _keys(tuple(only), None))
    edges = f" AND edge_id IN (SELECT edge_id FROM edges WHERE {chosen})" if only else ""
    window_from = -(-from_s // 10) * 10
    bucket = f"{window_from} + (bucket_s - {window_from}) // {step_s} * {step_s} AS bucket_s, "
    remembers = base is not None and from_s <= 0 and step_s is None and base.to_s <= to_s
    parts = [
        f"SELECT * FROM {table}_{part.tier}"
        f" WHERE bucket_s >= {part.from_s} AND bucket_s < {part.to_s}{edges}"
        for part in split(base.to_s if base and remembers else from_s, to_s, step_s=step_s)
    ]
    if remembers:
        parts.append(f"SELECT 0 AS bucket_s, * FROM base WHERE true{edges}")
    rows = " UNION ALL BY NAME ".join(parts or [f"SELECT * FROM {table}_10s WHERE false{edges}"])
    return f"SELECT {bucket if step_s else ''}edge_id, {sums} FROM ({rows}) GROUP BY ALL"


def _grouped(
    cursor: duckdb.DuckDBPyConnection,
    source: str,
    keys: Sequence[str],
    sums: Sequence[str],
    *,
    canonical: bool,
    only: Mapping[str, str],
) -> pa.Table:
    columns = ", ".join([*keys, *sums])
    where = "WHERE canonical" if canonical else ""
    group = f"GROUP BY {', '.join(keys)} ORDER BY {', '.join(keys)}" if keys else ""
    sql = f"SELECT {columns} FROM ({source}) JOIN edges USING (edge_id) {where} {group}"
    return cursor.execute(sql, dict(only) or None).to_arrow_table()
