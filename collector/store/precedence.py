"""Which signal counts, when an exporter speaks several dialects about one traffic (ADR 5).

In each hour the best dialect heard from an exporter counts all of its traffic; the counts of the
others go to the twin rows that are evidence. What an hour's owner is depends on what the hour
holds, never on the order of arrival: when a better dialect comes second, what was counted before
is moved. Never drops a count. Spans give way pair by pair, to any metric (``span_edges``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import duckdb
import pyarrow as pa

from collector.edges import SIGNALS, Edge
from collector.store.dictionaries import Dictionary
from collector.store.tiers import TIERS_S

HOUR_S: Final = TIERS_S["1h"]
_MAX_HOURS: Final = 48
"""Owners of more hours are read again when they are needed."""

Pair = tuple[str, str]
"""Source and destination."""


@dataclass(frozen=True, slots=True)
class Move:
    """Counts of an edge in one hour that belong to its twin."""

    hour_s: int
    edge_id: int
    twin_id: int


@dataclass(slots=True)
class Precedence:
    """Owners by exporter and hour, in two layers: committed, and of the open transaction."""

    cursor: duckdb.DuckDBPyConnection
    span_pairs: set[Pair] = field(default_factory=set)
    """Pairs that spans count for, in some hour."""
    _hours: dict[int, dict[str, int]] = field(default_factory=dict)
    _new: dict[tuple[str, int], int] = field(default_factory=dict)
    _lost: set[tuple[str, int]] = field(default_factory=set)
    _pairs: set[tuple[Pair, int]] = field(default_factory=set)

    def place(self, edge: Edge, bucket_s: int) -> Edge:
        """Return the row that takes the counts of a metric's edge: itself, or its twin."""
        hour_s = bucket_s - bucket_s % HOUR_S
        key = edge.exporter, hour_s
        best = self._best(key)
        if best is None or edge.rank < best:
            self._new[key] = edge.rank
            if best is not None:
                self._lost.add(key)
        elif edge.rank > best:
            return edge.as_evidence()
        if edge.canonical:
            self._pairs.add(((edge.source, edge.destination), hour_s))
        return edge

    def moves(self, edges: Dictionary[Edge]) -> list[Move]:
        """Return what the open transaction takes from worse signals; interns the twins."""
        claimed = {
            (pair, near_s)
            for pair, hour_s in self._pairs
            if pair in self.span_pairs
            for near_s in near_hours(hour_s)
        }
        if not self._lost and not claimed:
            return []
        moves = [
            (hour_s, edge, edge_id)
            for edge, edge_id in chain(edges.items(), edges.new().items())
            if edge.canonical
            for hour_s in self._hours_lost_by(edge, claimed)
        ]
        return [Move(hour_s, n, edges.id_of(edge.as_evidence())) for hour_s, edge, n in moves]

    def commit(self) -> None:
        """Remember the owners."""
        for (exporter, hour_s), rank in self._new.items():
            self._hours[hour_s][exporter] = rank
        while len(self._hours) > _MAX_HOURS:
            del self._hours[min(self._hours)]
        self.rollback()

    def rollback(self) -> None:
        """Forget what the transaction claimed."""
        self._new.clear()
        self._lost.clear()
        self._pairs.clear()

    def _best(self, key: tuple[str, int]) -> int | None:
        exporter, hour_s = key
        if hour_s not in self._hours:
            self._hours[hour_s] = _owners(self.cursor, hour_s)
        return self._new.get(key, self._hours[hour_s].get(exporter))

    def _hours_lost_by(self, edge: Edge, claimed: set[tuple[Pair, int]]) -> Iterable[int]:
        if edge.signal == "spans":
            pair = edge.source, edge.destination
            return [hour_s for one, hour_s in claimed if one == pair]
        return [
            hour_s
            for exporter, hour_s in self._lost
            if exporter == edge.exporter and self._new[exporter, hour_s] < edge.rank
        ]


def span_pairs(edges: Dictionary[Edge]) -> set[Pair]:
    """Return the pairs that spans count for."""
    return {
        (e.source, e.destination) for e, _ in edges.items() if e.signal == "spans" and e.canonical
    }


def near_hours(hour_s: int) -> tuple[int, int, int]:
    """Return the hours in which spans and metrics may mean the same traffic.

    A metric comes seconds after the request that it counts, so maybe in the next hour.
    """
    return hour_s - HOUR_S, hour_s, hour_s + HOUR_S


def apply_moves(cursor: duckdb.DuckDBPyConnection, moves: list[Move]) -> None:
    """Hand counts to the twins, in every tier; inside the caller's transaction."""
    if not moves:
        return
    columns = {
        name: pa.array([getattr(move, name) for move in moves], pa.int64())
        for name in Move.__dataclass_fields__
    }
    cursor.register("moves", pa.table(columns))
    try:
        for table in (f"{kind}_{tier}" for kind in ("sli", "latency") for tier in TIERS_S):
            cursor.execute(
                f"UPDATE {table} SET edge_id = moves.twin_id FROM moves"
                f" WHERE {table}.edge_id = moves.edge_id AND bucket_s >= hour_s"
                f" AND bucket_s < hour_s + {HOUR_S}"
            )
    finally:
        cursor.unregister("moves")


def _owners(cursor: duckdb.DuckDBPyConnection, hour_s: int) -> dict[str, int]:
    """Return the best rank by exporter, of the metrics that have counts in an hour."""
    best: dict[str, int] = {}
    for exporter, signal in cursor.execute(
        "SELECT DISTINCT CASE reporter WHEN 'source' THEN source ELSE destination END, signal"
        " FROM sli_1h JOIN edges USING (edge_id) WHERE bucket_s = ? AND signal <> 'spans'",
        [hour_s],
    ).fetchall():
        rank = SIGNALS.index(signal)
        best[exporter] = min(rank, best.get(exporter, rank))
    return best
