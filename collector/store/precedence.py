"""Which signal counts, when a workload speaks several dialects about one traffic (ADR 5).

In each hour the best dialect heard from a workload counts all of its traffic; the counts of the
others go to the twin rows that are evidence. A workload is a version of a service; where it does
not say which it is, it may be any of them. What counts in an hour depends on what the hour holds,
never on the order of arrival: when a better dialect comes second, what was counted before is moved.
Never drops a count. Linkerd's routes take pairs from its plain counts, and spans give way pair by
pair, to any metric (``span_edges``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

import duckdb
import pyarrow as pa

from collector.edges import Edge, Signal
from collector.store.dictionaries import Dictionary
from collector.store.tiers import TIERS_S

HOUR_S: Final = TIERS_S["1h"]
_MAX_HOURS: Final = 48
"""What more hours hold is read again when it is needed."""
_ROUTED: Final[tuple[Signal, ...]] = ("linkerd_route", "linkerd")

Pair = tuple[str, str]
"""Source and destination."""


@dataclass(frozen=True, slots=True)
class Move:
    """Counts of an edge in one hour that belong to its twin, or of a twin that belong to it."""

    hour_s: int
    edge_id: int
    twin_id: int


@dataclass(slots=True)
class Told:
    """What metrics have told in one hour, whether it counts or not."""

    ranks: dict[str, dict[str, int]] = field(default_factory=dict)
    """Service -> workload -> the best rank that it spoke."""
    routed: set[tuple[Signal, Pair]] = field(default_factory=set)
    """Pairs that Linkerd's sources told of, by routes and plainly."""

    def add(self, edge: Edge) -> None:
        """Note that an edge was told of."""
        ranks = self.ranks.setdefault(edge.exporter, {})
        ranks[edge.workload] = min(edge.rank, ranks.get(edge.workload, edge.rank))
        if _is_routed(edge):
            self.routed.add((edge.signal, (edge.source, edge.destination)))

    def knows(self, edge: Edge) -> bool:
        """Tell whether an edge would add nothing."""
        known = self.ranks.get(edge.exporter, {}).get(edge.workload)
        if known is None or known > edge.rank:
            return False
        return not _is_routed(edge) or (edge.signal, (edge.source, edge.destination)) in self.routed

    def counts(self, edge: Edge) -> bool:
        """Tell whether the row of this edge, and not its twin, takes its counts."""
        ranks = self.ranks.get(edge.exporter, {})
        rivals = (edge.workload, "") if edge.workload else ranks
        if any(ranks.get(workload, edge.rank) < edge.rank for workload in rivals):
            return False
        if not _is_routed(edge):
            return True
        pair = edge.source, edge.destination
        has_both = all((signal, pair) in self.routed for signal in _ROUTED)
        return has_both == (edge.signal == "linkerd_route")

    def changes_others(self, edge: Edge) -> bool:
        """Tell whether what this edge adds may take counts from others, or give them some."""
        if any(rank > edge.rank for rank in self.ranks.get(edge.exporter, {}).values()):
            return True
        pair = edge.source, edge.destination
        return _is_routed(edge) and any((signal, pair) in self.routed for signal in _ROUTED)

    def copy(self) -> "Told":
        """Return one to change."""
        return Told({name: dict(ranks) for name, ranks in self.ranks.items()}, set(self.routed))


@dataclass(slots=True)
class Precedence:
    """What each hour holds, in two layers: committed, and of the open transaction."""

    cursor: duckdb.DuckDBPyConnection
    span_pairs: set[Pair] = field(default_factory=set)
    """Pairs that spans count for, in some hour."""
    _hours: dict[int, Told] = field(default_factory=dict)
    _new: dict[int, Told] = field(default_factory=dict)
    _changed: set[tuple[str, int]] = field(default_factory=set)
    _pairs: set[tuple[Pair, int]] = field(default_factory=set)

    def place(self, edge: Edge, bucket_s: int) -> Edge:
        """Return the row that takes the counts of a metric's edge: itself, or its twin."""
        hour_s = bucket_s - bucket_s % HOUR_S
        told = self._told(hour_s)
        if not told.knows(edge):
            if told.changes_others(edge):
                self._changed.add((edge.exporter, hour_s))
            if hour_s not in self._new:
                told = self._new[hour_s] = told.copy()
            told.add(edge)
        if not told.counts(edge):
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
        if not self._changed and not claimed:
            return []
        moves = [
            (hour_s, edge, edge_id)
            for edge, edge_id in chain(edges.items(), list(edges.new().items()))
            if edge.canonical or edge.is_evidence
            for hour_s in self._hours_misplaced(edge, claimed)
        ]
        return [Move(hour_s, n, edges.id_of(_other(edge))) for hour_s, edge, n in moves]

    def commit(self) -> None:
        """Remember what was told."""
        self._hours |= self._new
        while len(self._hours) > _MAX_HOURS:
            del self._hours[min(self._hours)]
        self.rollback()

    def rollback(self) -> None:
        """Forget what the transaction told."""
        self._new.clear()
        self._changed.clear()
        self._pairs.clear()

    def _told(self, hour_s: int) -> Told:
        new = self._new.get(hour_s)
        if new is not None:
            return new
        if hour_s not in self._hours:
            self._hours[hour_s] = _read(self.cursor, hour_s)
        return self._hours[hour_s]

    def _hours_misplaced(self, edge: Edge, claimed: set[tuple[Pair, int]]) -> Iterable[int]:
        if edge.signal == "spans":
            pair = edge.source, edge.destination
            return [hour_s for one, hour_s in claimed if one == pair and edge.canonical]
        counting = edge.as_counting()
        return [
            hour_s
            for exporter, hour_s in self._changed
            if exporter == edge.exporter and self._told(hour_s).counts(counting) != edge.canonical
        ]


def _is_routed(edge: Edge) -> bool:
    return edge.signal in _ROUTED and edge.reporter == "source"


def _other(edge: Edge) -> Edge:
    return edge.as_counting() if edge.is_evidence else edge.as_evidence()


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


def _read(cursor: duckdb.DuckDBPyConnection, hour_s: int) -> Told:
    """Return what the metrics that have counts in an hour tell."""
    told = Told()
    for reporter, source, destination, signal, workload in cursor.execute(
        "SELECT DISTINCT reporter, source, destination, signal, workload"
        " FROM sli_1h JOIN edges USING (edge_id) WHERE bucket_s = ? AND signal <> 'spans'",
        [hour_s],
    ).fetchall():
        edge = Edge(reporter, source, destination, "", "", 0, "-", "none", signal)
        told.add(replace(edge, workload=workload))
    return told
