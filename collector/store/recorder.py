"""Batches -> rows of every table, inside one transaction, with all memory undone if it fails.

Never begins or ends a transaction and never waits: the writer does. What is remembered between
transactions (ids, counters, digests, heartbeats) is read back from the tables on opening, so that
there is no second copy to fall out of step.
"""

import logging
import math
from collections.abc import Mapping
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from collector.otlp.batch import Batch
from collector.otlp.cardinality import DEFAULT_LIMITS, CardinalityLimits
from collector.otlp.counters import Counters
from collector.store.counters import load_counters, started
from collector.store.dictionaries import Dictionaries, load_dictionaries
from collector.store.gate import Gate
from collector.store.precedence import Precedence, apply_moves, span_pairs
from collector.store.rollups import Rollups
from collector.store.settled import note_change, read_settled, settle
from collector.store.span_edges import (
    SETTLE_S,
    Stretch,
    first_bucket_s,
    mark_s,
    put_stretch,
    set_back,
)
from collector.store.span_rows import SpanRows

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 10**9
DEDUPE_NS: Final = 15 * 60 * 10**9
"""A sender repeats an export it has no answer to for minutes, not for longer."""
MAX_DIGESTS: Final = 1_000_000
"""Some 200 MB; 15 minutes of 1,100 requests a second. Beyond it the time is shorter, and said."""

MAX_DESCRIPTIONS: Final = 8
"""Of one metric; different versions of an exporter word them differently, for ever they do not."""

_IDS: Final = {
    "metric_points": {"series": "series_id"},
    "histogram_points": {"series": "series_id", "bounds": "bounds_id"},
    "exponential_points": {"series": "series_id"},
    "summary_points": {"series": "series_id"},
    "exemplars": {"series": "series_id"},
    "logs": {"resource": "resource_id", "scope": "scope_id"},
}
"""Columns of a batch that hold positions -> columns of the table that hold ids."""


class Recorder:
    """Rows of the open transaction, and what is remembered between transactions."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, limits: CardinalityLimits = DEFAULT_LIMITS
    ) -> None:
        self.cursor = cursor
        self.dictionaries: Dictionaries = load_dictionaries(cursor)
        self.counters: Counters = load_counters(cursor)
        self.gate = Gate(self.dictionaries, limits)
        self.gate.load(cursor)
        self.precedence = Precedence(cursor, span_pairs(self.dictionaries.edges))
        self.rollups = Rollups(self.dictionaries, self.counters, self.precedence)
        settled = read_settled(cursor)
        self._settled_to_s = 0 if settled is None else settled.to_s
        self._spans_to_s = mark_s(cursor)
        self._late_s: int | None = None
        self._first_s: int | None = None
        self._digests: dict[bytes, int] = {
            bytes(digest): received_ns
            for digest, received_ns in cursor.execute(
                "SELECT digest, received_ns FROM export_requests"
            ).fetchall()
        }
        self._heartbeats: set[tuple[int, int]] = set()
        self._descriptions: dict[str, set[str]] = {}
        for name, text in cursor.execute("SELECT * FROM metric_descriptions").fetchall():
            self._descriptions.setdefault(name, set()).add(text)
        self.shed: frozenset[str] = frozenset()
        """Tables whose rows are left out for want of room; what is counted from them stays."""
        self._clear()

    def is_repeat(self, digest: bytes, received_ns: int) -> bool:
        """Tell whether this request is committed already, or part of this transaction."""
        known_ns = self._digests.get(digest)
        return digest in self._new_digests or (
            known_ns is not None and received_ns - known_ns <= DEDUPE_NS
        )

    def note(self, digest: bytes, received_ns: int) -> None:
        """Make a request part of this transaction; all of one come at one time."""
        self._new_digests[digest] = received_ns

    def add(self, batch: Batch, received_ns: int) -> Mapping[str, int]:
        """Take a batch into the transaction; return warnings for its sender, by reason."""
        ids = self.dictionaries
        resources = [ids.resources.id_of(resource) for resource in batch.resources]
        strings = [ids.strings.id_of(value) for value in batch.strings]
        taken = self.gate.take(batch, resources, received_ns)
        series_ids, stored = taken.series_ids, taken.stored
        if "spans" not in self.shed:
            self._spans.add(batch.spans, resources, strings, received_ns)
        self._append("metric_points", stored.points, series=series_ids)
        bounds = [ids.bounds.id_of(one) for one in batch.bounds]
        self._append("histogram_points", stored.histograms, series=series_ids, bounds=bounds)
        self._append("exponential_points", stored.exponentials, series=series_ids)
        self._append("summary_points", stored.summaries, series=series_ids)
        self._append("exemplars", stored.exemplars, series=series_ids)
        scopes = [ids.scopes.id_of(one) for one in batch.scopes]
        logs = timed_logs(batch.logs, received_ns)
        self._append("logs", logs, resource=resources, scope=scopes)
        self._note_firsts(stored, series_ids)
        self._describe(batch.descriptions)
        self.rollups.add(taken.counted, resources, taken.series)
        bucket_s = received_ns // 10**10 * 10
        self._new_heartbeats |= {(bucket_s, resource) for resource in resources}
        return taken.warnings

    def insert(self) -> None:
        """Write all rows; the caller commits."""
        moves = self.precedence.moves(self.dictionaries.edges)
        for table, rows in self.dictionaries.rows().items():
            if rows:
                self._insert(table, pa.Table.from_pylist(rows))
        self._insert("spans", self._spans.table(), returning="RETURNING kind")
        for table, parts in self._parts.items():
            self._insert(table, pa.concat_tables(parts).combine_chunks())
        for table, rolled in self.rollups.tables().items():
            self._insert(table, rolled)
        apply_moves(self.cursor, moves)
        first_s = min(self.rollups.first_s(), *(move.hour_s for move in moves), math.inf)
        if first_s < self._settled_to_s:
            note_change(self.cursor, int(first_s))
        reach_ns = self._spans.reach_ns(SETTLE_S * _SECOND_NS)
        self._first_s = first_bucket_s(reach_ns)
        self._new_spans_to_s = set_back(self.cursor, reach_ns, self._spans_to_s)
        self._insert("metric_descriptions", _described(self._new_descriptions))
        self._insert("exporter_starts", started(self.counters.new_exporters()))
        heartbeats = sorted(self._new_heartbeats - self._heartbeats)
        self._insert(
            "heartbeats",
            pa.table(
                {
                    "bucket_s": pa.array([pair[0] for pair in heartbeats], pa.int64()),
                    "resource_id": pa.array([pair[1] for pair in heartbeats], pa.int32()),
                }
            ),
        )
        if self._new_digests:
            self.cursor.execute(
                "INSERT INTO export_requests SELECT ?, unnest(?::BLOB[])",
                [next(iter(self._new_digests.values())), list(self._new_digests)],
            )

    def commit(self) -> None:
        """Remember: the transaction is durable."""
        self.dictionaries.commit()
        self.counters.commit()
        self.gate.commit(max(self._new_digests.values(), default=0))
        self.precedence.commit()
        self._spans_to_s = self._new_spans_to_s
        if self._first_s is not None:
            known_s = self._first_s if self._late_s is None else self._late_s
            self._late_s = min(self._first_s, known_s)
        self._digests |= self._new_digests
        for name, text in self._new_descriptions:
            self._descriptions.setdefault(name, set()).add(text)
        newest_s = max((bucket_s for bucket_s, _ in self._new_heartbeats), default=0)
        self._heartbeats = {
            pair for pair in self._heartbeats | self._new_heartbeats if pair[0] >= newest_s - 60
        }
        self._clear()

    def rollback(self) -> None:
        """Forget: the transaction never was."""
        self.dictionaries.rollback()
        self.counters.rollback()
        self.gate.rollback()
        self.precedence.rollback()
        self._clear()

    def watch_spans(self) -> None:
        """Begin to note which spans come from now on; before a stretch of them is read."""
        self._late_s = None

    def put_spans(self, cursor: duckdb.DuckDBPyConnection, stretch: Stretch) -> None:
        """Put a stretch into the rollups that was read since ``watch_spans``."""
        pairs = self.precedence.span_pairs
        try:
            put_stretch(cursor, self.dictionaries, pairs, stretch, late_s=self._late_s)
        finally:
            self._spans_to_s = self._new_spans_to_s = mark_s(cursor)

    def settle(self, cursor: duckdb.DuckDBPyConnection, now_s: int) -> None:
        """Say that what is some minutes old changes no more; it is told when it does."""
        self._settled_to_s = settle(cursor, now_s)

    def forget_digests(self, before_ns: int) -> None:
        """Let go of digests that are too old to be repeated, or beyond what memory may hold."""
        surplus = len(self._digests) - MAX_DIGESTS
        if surplus > 0:
            before_ns = max(before_ns, sorted(self._digests.values())[surplus])
            _LOG.warning("repeats are known only since %s ns: more than %s requests", before_ns,
                         MAX_DIGESTS)  # fmt: skip
        self._digests = {key: at for key, at in self._digests.items() if at >= before_ns}

    def forget_counters(self, before_ns: int) -> None:
        """Let go of exporters, in memory and table, whose last point is older than points are kept.

        Otherwise one known without its last points would count them again when it comes back.
        """
        dead = sorted(self.counters.forget(before_ns))
        if dead:
            self.cursor.execute(
                "DELETE FROM exporter_starts WHERE (resource_id, start_ns) IN"
                " (SELECT (unnest(?::INTEGER[]), unnest(?::BIGINT[])))",
                [[resource for resource, _ in dead], [start_ns for _, start_ns in dead]],
            )

    def _clear(self) -> None:
        self._parts: dict[str, list[pa.Table]] = {}
        self._new_digests: dict[bytes, int] = {}
        self._new_heartbeats: set[tuple[int, int]] = set()
        self._new_descriptions: dict[tuple[str, str], None] = {}
        self._spans = SpanRows()
        self._first_s = None
        self._new_spans_to_s = self._spans_to_s
        self.rollups.clear()

    def _note_firsts(self, batch: Batch, series_ids: list[int]) -> None:
        """Note when the series that are new in this transaction begin."""
        if not self.dictionaries.series.new():
            return
        new = {one for one in series_ids if self.dictionaries.series.is_new(one)}
        for table in (batch.points, batch.histograms, batch.exponentials, batch.summaries):
            positions, times = table["series"].to_pylist(), table["time_ns"].to_pylist()
            for position, time_ns in zip(positions, times, strict=True):
                if series_ids[position] in new:
                    self.dictionaries.note_first(series_ids[position], time_ns)

    def _describe(self, descriptions: tuple[tuple[str, str], ...]) -> None:
        for name, text in descriptions:
            known = self._descriptions.get(name, set())
            if text not in known and len(known) < MAX_DESCRIPTIONS:
                self._new_descriptions[name, text] = None

    def _append(self, table: str, rows: pa.Table, **ids: list[int]) -> None:
        if not len(rows) or table in self.shed:
            return
        for position, column in enumerate(rows.column_names):
            if column in ids:
                mapped = np.asarray(ids[column], dtype=np.int32)[rows[column].to_numpy()]
                rows = rows.set_column(position, _IDS[table][column], pa.array(mapped))
        self._parts.setdefault(table, []).append(rows)

    def _insert(self, table: str, rows: pa.Table, *, returning: str = "") -> None:
        """Insert rows. An insert that returns a column is not split between DuckDB's threads.

        For spans that took no more CPU, and up to half as much, in the runs of ADR 4.
        """
        if not len(rows):
            return
        # DuckDB finds ``rows`` by its name: half the cost of a view that is made and dropped
        self.cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows {returning}")


def timed_logs(logs: pa.Table, received_ns: int) -> pa.Table:
    """Give the time of arrival to records that have none."""
    times = logs["time_ns"].to_numpy()
    if times.all():
        return logs
    given = pa.array(np.where(times == 0, received_ns, times), pa.int64())
    return logs.set_column(logs.column_names.index("time_ns"), "time_ns", given)


def _described(descriptions: dict[tuple[str, str], None]) -> pa.Table:
    names, texts = zip(*descriptions, strict=True) if descriptions else ((), ())
    columns = {"name": names, "description": texts}
    return pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
