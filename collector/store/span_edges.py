"""Stored spans -> rollups of edges, by one SQL pass over each stretch of time.

Reading a stretch takes long and changes nothing, so it has a thread of its own (``span_counting``);
putting it into the rollups is short, and the writer's.

Replaces, never adds: what a pass finds for its 10 s buckets takes the place of what was there, so
that running it twice, or after a crash, counts nothing twice. A mark in ``meta`` says up to where
it has come; spans that come late set it back, in the transaction that stores them (``set_back``).

A pair of services that any metric counts in the hour, or in a neighbouring one, has its spans as
evidence only, each span once. Otherwise they count, weighted by their adjusted counts: an estimate.
Spec: https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from collector.edges import Edge
from collector.otlp.dialects.spans import PATHS, Call, call_edge
from collector.store.dictionaries import Dictionaries
from collector.store.precedence import HOUR_S, Pair, near_hours
from collector.store.settled import note_change
from collector.store.tiers import TIERS_S
from collector.store.weights import whole

SETTLE_S: Final = 30
"""Both ends of a call have been exported this long after its end; also how far they lie apart."""
LATE_S: Final = 600
"""Spans that come later than this after their end are in no rollup."""

_MARK: Final = "span_edges_to_s"
_BUCKET_S: Final = TIERS_S["10s"]
_PASS_S: Final = 600
"""The longest stretch of one pass; a longer one, after an outage, is done in several."""
PASS_SPANS: Final = 250_000
"""A pass ends with the bucket that reaches them: some 500 MB."""
_SECOND_NS: Final = 10**9
_SPANS: Final = "edge_id IN (SELECT edge_id FROM edges WHERE signal = 'spans')"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Calls that ended in [from_s, to_s), read when the mark was at ``mark_s``."""

    mark_s: int | None
    from_s: int
    to_s: int
    calls: tuple[tuple[Edge, dict[str, Any]], ...]


def read_stretch(
    cursor: duckdb.DuckDBPyConnection, now_s: int, *, most_spans: int = PASS_SPANS
) -> Stretch | None:
    """Read the next stretch that is settled; None when all are counted. Writes nothing.

    It ends with the bucket in which ``most_spans`` are reached, so that memory is bounded. Opens a
    transaction and ends it: row numbers hold within one snapshot.
    """
    to_s = _bucket(now_s - SETTLE_S)
    cursor.begin()
    try:
        mark = mark_s(cursor)
        from_s = _bucket(now_s - LATE_S) if mark is None else mark
        if from_s >= to_s:
            return None
        until_s, rows = _calls(cursor, from_s, min(to_s, from_s + _PASS_S), most_spans)
    finally:
        cursor.rollback()
    edges = (call_edge(Call(**{name: row[name] for name in _CALL_FIELDS})) for row in rows)
    calls = tuple((edge, row) for edge, row in zip(edges, rows, strict=True) if edge is not None)
    return Stretch(mark, from_s, until_s, calls)


def put_stretch(
    cursor: duckdb.DuckDBPyConnection,
    dictionaries: Dictionaries,
    pairs: set[Pair],
    stretch: Stretch,
    *,
    late_s: int | None = None,
) -> None:
    """Put a stretch into the rollups and move the mark; the caller has no transaction open.

    ``late_s``: the earliest bucket of spans that were stored since it was read, and so may be
    missing from it; the mark stops before their other ends, or where spans have set it back to.
    ``pairs`` learns which pairs spans count for.
    """
    cursor.begin()
    try:
        now_at_s = mark_s(cursor)
        stops = [stretch.to_s, None if now_at_s == stretch.mark_s else now_at_s]
        if late_s is not None and late_s < stretch.to_s:
            stops.append(late_s - SETTLE_S)
        _replace(cursor, dictionaries, pairs, stretch)
        note_change(cursor, stretch.from_s)
        cursor.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [_MARK, str(min(stop for stop in stops if stop is not None))],
        )
        cursor.commit()
    except BaseException:
        dictionaries.rollback()
        cursor.rollback()
        raise
    dictionaries.commit()


def mark_s(cursor: duckdb.DuckDBPyConnection) -> int | None:
    """Return the time up to which spans are counted; None before the first pass."""
    row = cursor.execute("SELECT value::BIGINT FROM meta WHERE key = ?", [_MARK]).fetchone()
    return None if row is None else int(row[0])


def set_back(
    cursor: duckdb.DuckDBPyConnection, reach_ns: list[tuple[int, int]], counted_to_s: int | None
) -> int | None:
    """Set the mark back for late spans, in the caller's transaction; return where it is now.

    ``reach_ns`` as ``SpanRows`` tells it. What was counted before a late span came may hold the
    other end of its call, or an earlier attempt, as one that stands alone.
    """
    first_s = first_bucket_s(reach_ns)
    if counted_to_s is None or first_s is None or first_s >= counted_to_s:
        return counted_to_s
    again_from_s = first_s - SETTLE_S
    cursor.execute("UPDATE meta SET value = ? WHERE key = ?", [str(again_from_s), _MARK])
    return again_from_s


def first_bucket_s(reach_ns: list[tuple[int, int]]) -> int | None:
    """Return the earliest bucket that spans bear on; None without spans."""
    return min(
        (
            _bucket(max(from_ns, received_ns - LATE_S * _SECOND_NS) // _SECOND_NS)
            for from_ns, received_ns in reach_ns
        ),
        default=None,
    )


@dataclass(slots=True)
class _Sums:
    """What one pass found, by bucket and edge."""

    requests: Counter[tuple[int, Edge]]
    attempts: Counter[tuple[int, Edge]]
    latency: Counter[tuple[int, Edge, int]]


def _replace(
    cursor: duckdb.DuckDBPyConnection,
    dictionaries: Dictionaries,
    pairs: set[Pair],
    stretch: Stretch,
) -> None:
    from_s, to_s = stretch.from_s, stretch.to_s
    sums = _sums(stretch.calls, _measured_pairs(cursor, from_s, to_s))
    ids = {edge: dictionaries.edges.id_of(edge) for _, edge in sums.requests | sums.attempts}
    pairs |= {(edge.source, edge.destination) for edge in ids if edge.canonical}
    _insert(cursor, "edges", dictionaries.rows()["edges"])
    keys = sorted((bucket_s, ids[edge], edge) for bucket_s, edge in sums.requests | sums.attempts)
    counts = [
        {
            "bucket_s": bucket_s,
            "edge_id": edge_id,
            "requests": whole([sums.requests[bucket_s, edge]], f"{bucket_s} {edge}")[0],
            "attempts": whole([sums.attempts[bucket_s, edge]], f"{bucket_s} {edge}")[0],
        }
        for bucket_s, edge_id, edge in keys
    ]
    times = [
        {
            "bucket_s": bucket_s,
            "edge_id": ids[edge],
            "latency_bucket": bucket,
            "count": count,
        }
        for bucket_s, edge, bucket, count in _whole_latencies(sums.latency)
    ]
    for kind, rows in (("sli", counts), ("latency", times)):
        cursor.execute(
            f"DELETE FROM {kind}_10s WHERE bucket_s >= ? AND bucket_s < ? AND {_SPANS}",
            [from_s, to_s],
        )
        _insert(cursor, f"{kind}_10s", rows)
        for tier, length in TIERS_S.items():
            if length > _BUCKET_S:
                _sum_up(cursor, kind, tier, from_s - from_s % length, -(-to_s // length) * length)


def _whole_latencies(
    weights: Mapping[tuple[int, Edge, int], float],
) -> Iterator[tuple[int, Edge, int, int]]:
    """Give whole counts that add up to the requests of their edge and bucket of time."""
    places: dict[tuple[int, Edge], list[int]] = {}
    for bucket_s, edge, bucket in weights:
        places.setdefault((bucket_s, edge), []).append(bucket)
    for (bucket_s, edge), buckets in places.items():
        buckets.sort()
        found = [weights[bucket_s, edge, bucket] for bucket in buckets]
        for bucket, count in zip(buckets, whole(found, f"{bucket_s} {edge}"), strict=True):
            if count:
                yield bucket_s, edge, bucket, count


def _calls(
    cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int, most_spans: int
) -> tuple[int, list[dict[str, Any]]]:
    """Return until_s <= to_s, and the calls that ended in [from_s, until_s), each kind once."""
    window = {"from_ns": from_s * _SECOND_NS, "margin_ns": SETTLE_S * _SECOND_NS}
    buckets = cursor.execute(_BUCKETS_SQL, window | {"to_ns": to_s * _SECOND_NS}).fetchall()
    until_s = _until(buckets, from_s, to_s, most_spans)
    near = [one for one in buckets if one[0] < until_s + SETTLE_S]
    if not near:
        return until_s, []
    window |= {
        "to_ns": until_s * _SECOND_NS,
        "first_row": min(first for _, _, first, _ in near),
        "last_row": max(last for _, _, _, last in near),
    }
    rows: list[dict[str, Any]] = cursor.execute(_SQL, window).to_arrow_table().to_pylist()
    return until_s, rows


def _until(
    buckets: list[tuple[int, int, int, int]], from_s: int, to_s: int, most_spans: int
) -> int:
    """Return the end of the first buckets that have enough spans for one pass."""
    spans = 0
    for bucket_s, count, _, _ in buckets:
        if from_s <= bucket_s < to_s:
            spans += count
            if spans >= most_spans:
                return bucket_s + _BUCKET_S
    return to_s


def _measured_pairs(
    cursor: duckdb.DuckDBPyConnection, from_s: int, to_s: int
) -> set[tuple[Pair, int]]:
    """Return the pairs that metrics count, with each hour in which their spans are evidence."""
    found = cursor.execute(
        "SELECT DISTINCT source, destination, bucket_s FROM sli_1h JOIN edges USING (edge_id)"
        " WHERE canonical AND signal <> 'spans' AND bucket_s >= ? AND bucket_s < ?",
        [from_s - from_s % HOUR_S - HOUR_S, to_s + 2 * HOUR_S],
    ).fetchall()
    return {
        ((source, destination), near_s)
        for source, destination, hour_s in found
        for near_s in near_hours(hour_s)
    }


def _sums(calls: tuple[tuple[Edge, dict[str, Any]], ...], measured: set[tuple[Pair, int]]) -> _Sums:
    sums = _Sums(Counter(), Counter(), Counter())
    for known, row in calls:
        bucket_s = row["bucket_s"]
        hour_s = bucket_s - bucket_s % HOUR_S
        is_evidence = ((known.source, known.destination), hour_s) in measured
        edge = known.as_evidence() if is_evidence else known
        count, tries = ("spans", "tries") if is_evidence else ("weight", "tries_weight")
        sums.attempts[bucket_s, edge] += row[tries]
        if row["is_final"]:
            sums.requests[bucket_s, edge] += row[count]
            sums.latency[bucket_s, edge, row["latency_bucket"]] += row[count]
    return sums


def _sum_up(
    cursor: duckdb.DuckDBPyConnection, kind: str, tier: str, from_s: int, to_s: int
) -> None:
    """Make the coarse buckets of spans again, out of the finest ones."""
    length = TIERS_S[tier]
    extra, sums = _COLUMNS[kind]
    window = f"bucket_s >= {from_s} AND bucket_s < {to_s} AND {_SPANS}"
    cursor.execute(f"DELETE FROM {kind}_{tier} WHERE {window}")
    cursor.execute(
        f"INSERT INTO {kind}_{tier} SELECT bucket_s // {length} * {length} AS coarse_s, edge_id,"
        f" {extra}{sums} FROM {kind}_10s WHERE {window} GROUP BY ALL"
    )


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    cursor.register("found", pa.Table.from_pylist(rows))
    try:
        cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM found")
    finally:
        cursor.unregister("found")


def _bucket(time_s: int) -> int:
    return time_s - time_s % _BUCKET_S


def _paths(paths: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Yield (JSON path as an SQL text, the name that it is for)."""
    for name, keys in paths.items():
        for key in keys:
            yield f"""'$."{key}"'""", name


def _sql() -> str:
    flat = list(_paths(PATHS))
    columns = {
        name: [f"told[{position}]" for position, (_, one) in enumerate(flat, 1) if one == name]
        for name in PATHS
    }
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    return text.format(
        paths=f"[{', '.join(path for path, _ in flat)}]",
        columns=", ".join(f"coalesce({', '.join(c)}, '') AS {name}" for name, c in columns.items()),
        names=", ".join(name for name in PATHS if name in _CALL_FIELDS),
    )


_CALL_FIELDS: Final = tuple(field.name for field in fields(Call))
_COLUMNS: Final = {
    "sli": ("", "sum(requests)::BIGINT, sum(attempts)::BIGINT"),
    "latency": ("latency_bucket, ", "sum(count)::BIGINT"),
}
_SQL: Final = _sql()
_BUCKETS_SQL: Final = f"""
SELECT (start_ns + duration_ns) // {_BUCKET_S * _SECOND_NS} * {_BUCKET_S} AS bucket_s,
       count(*), min(rowid), max(rowid)
FROM spans
WHERE start_ns >= $from_ns - $margin_ns - 3600000000000 AND start_ns < $to_ns + $margin_ns
  AND start_ns + duration_ns >= $from_ns - $margin_ns
  AND start_ns + duration_ns < $to_ns + $margin_ns
GROUP BY ALL ORDER BY ALL
"""
"""Where in the table the spans of each bucket lie. Reads two columns of numbers: without it the
pass would read every column of all hot spans."""
