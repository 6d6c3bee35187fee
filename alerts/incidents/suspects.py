"""The store asked for calls that got worse before an alert: see ``worsening`` for what that is.

Two scans of counts, whatever the size of the mesh, and a few small ones for the edges that were
found failing or may be slow. Never judges.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from alerts.incidents.worsening import (
    BASE_S,
    MINUTE_S,
    RECENT_S,
    Histogram,
    Pair,
    Point,
    WorseEdge,
    failing,
    in_order,
    slow_from,
    slower,
)
from collector.edges import is_error
from collector.store import reader

LOOK_S: Final = 7200
"""So long before the leading alert of an incident its failure may have begun."""
SEEN_S: Final = 600
"""So long after that alert the beginning of an incident is looked at."""
MOST: Final = 30
"""So many of the worse edges are looked at closely."""
_FINE_S: Final = 10
_ENDS: Final = ("source", "destination")


def read_worse(
    cursor: duckdb.DuckDBPyConnection, services: Sequence[str], first_s: int, now_s: int
) -> tuple[WorseEdge, ...]:
    """Return the edges that got worse around an alert at ``first_s``: failures, then slowness.

    Failures of all edges; slowness of those that lead to the services or on from them.
    """
    minute_s = first_s - first_s % MINUTE_S
    until_s = min(now_s - now_s % _FINE_S + _FINE_S, minute_s + SEEN_S)
    from_s = minute_s - LOOK_S - BASE_S
    failed = in_order(
        edge
        for pair, points in _points(cursor, from_s, until_s).items()
        if (edge := failing(pair, points, minute_s, from_s=from_s, until_s=until_s)) is not None
    )[:MOST]
    known = {edge.pair for edge in failed}
    near = [pair for pair in _near(cursor, services, minute_s, until_s) if pair not in known]
    slow = [_slow(cursor, pair, minute_s, until_s) for pair in near[:MOST]]
    return in_order([*_detailed(cursor, failed, until_s), *filter(None, slow)])


def _points(
    cursor: duckdb.DuckDBPyConnection, from_s: int, until_s: int
) -> dict[Pair, list[Point]]:
    """Return the minutes of every edge that failed at all since the look began."""
    table = reader.edge_counts(cursor, from_s, until_s, by=_ENDS, step_s=MINUTE_S)
    recent = pc.and_(
        pc.greater(table["errors"], 0), pc.greater_equal(table["bucket_s"], from_s + BASE_S)
    )
    pairs = pa.table(table.filter(recent).select(_ENDS).group_by(_ENDS).aggregate([]))
    found: defaultdict[Pair, list[Point]] = defaultdict(list)
    for row in table.join(pairs, _ENDS, join_type="inner").to_pylist():
        point = Point(row["bucket_s"], row["requests"], row["errors"])
        found[row["source"], row["destination"]].append(point)
    return {pair: sorted(points) for pair, points in found.items()}


def _detailed(
    cursor: duckdb.DuckDBPyConnection, edges: Iterable[WorseEdge], until_s: int
) -> list[WorseEdge]:
    """Add when it began to ten seconds, where those are still known, and codes and flags."""
    wanted = {edge.pair: edge for edge in edges}
    if not wanted:
        return []
    starts = {edge.began_s for edge in wanted.values() if edge.began_s is not None}
    fine: dict[tuple[Pair, int], int] = {}
    for start in starts:
        table = reader.edge_counts(cursor, start, start + MINUTE_S, by=_ENDS, step_s=_FINE_S)
        for row in table.to_pylist():
            if row["errors"]:
                key = ((row["source"], row["destination"]), start)
                fine[key] = min(row["bucket_s"], fine.get(key, row["bucket_s"]))
    codes: defaultdict[Pair, Counter[str]] = defaultdict(Counter)
    flags: defaultdict[Pair, Counter[str]] = defaultdict(Counter)
    told = reader.edge_counts(cursor, min(starts), until_s, by=(*_ENDS, "code", "flags"))
    for row in told.to_pylist():
        if is_error(row["code"]) and row["requests"]:
            pair = (row["source"], row["destination"])
            codes[pair][str(row["code"])] += row["requests"]
            flags[pair][row["flags"]] += row["requests"]
    return [
        replace(
            edge,
            began_s=fine.get((pair, edge.began_s or 0), edge.began_s),
            codes=dict(codes[pair]),
            flags=dict(flags[pair]),
        )
        for pair, edge in wanted.items()
    ]


def _near(
    cursor: duckdb.DuckDBPyConnection, services: Sequence[str], first_s: int, until_s: int
) -> list[Pair]:
    """Return the calls to the services and on from them, nearest first, then the busiest."""
    table = reader.edge_counts(cursor, first_s - RECENT_S, until_s, by=_ENDS)
    calls = {(row["source"], row["destination"]): row["requests"] for row in table.to_pylist()}
    found: list[Pair] = []
    reached, fresh = set(services), set(services)
    while fresh:
        step = [
            pair
            for pair in calls
            if pair not in found and (pair[0] in fresh or (pair[1] in fresh and not found))
        ]
        found += sorted(step, key=lambda pair: (-calls[pair], pair))
        fresh = {destination for _, destination in step} - reached
        reached |= fresh
    return found


def _slow(
    cursor: duckdb.DuckDBPyConnection, pair: Pair, first_s: int, until_s: int
) -> WorseEdge | None:
    minutes = _histograms(cursor, pair, (first_s - LOOK_S, until_s), MINUTE_S)
    edge = slower(pair, minutes, first_s, until_s=until_s)
    if edge is None or edge.began_s is None:
        return edge
    steps = _histograms(cursor, pair, (edge.began_s, edge.began_s + MINUTE_S), _FINE_S)
    return replace(edge, began_s=slow_from(steps, edge) or edge.began_s)


def _histograms(
    cursor: duckdb.DuckDBPyConnection, pair: Pair, span: tuple[int, int], step_s: int
) -> dict[int, Histogram]:
    """Return the latencies of an edge, step by step."""
    only = dict(zip(_ENDS, pair, strict=True))
    table = reader.edge_latency(cursor, *span, by=(), step_s=step_s, only=only)
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for row in table.to_pylist():
        found[row["bucket_s"]][row["latency_bucket"]] = row["count"]
    return dict(found)
