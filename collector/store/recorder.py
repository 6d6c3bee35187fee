"""Batches -> rows of every table, inside one transaction, with all memory undone if it fails.

Never begins or ends a transaction and never waits: the writer does. What is remembered between
transactions (ids, counters, digests, heartbeats) is read back from the tables on opening, so that
there is no second copy to fall out of step.
"""

from dataclasses import replace
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from collector.otlp.batch import CUMULATIVE, Batch
from collector.otlp.counters import Counters
from collector.otlp.slis import SLI_METRICS
from collector.store.dictionaries import Dictionaries, load_dictionaries
from collector.store.rollups import Rollups

DEDUPE_NS: Final = 15 * 60 * 10**9
"""A sender repeats an export it has no answer to for minutes, not for longer."""

_IDS: Final = {
    "spans": {"resource": "resource_id", "name": "name_id", "route": "route_id"}
    | {"flags": "flags_id"},
    "metric_points": {"series": "series_id"},
    "histogram_points": {"series": "series_id"},
    "logs": {"resource": "resource_id"},
}
"""Columns of a batch that hold positions -> columns of the table that hold ids."""


class Recorder:
    """Rows of the open transaction, and what is remembered between transactions."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.cursor = cursor
        self.dictionaries: Dictionaries = load_dictionaries(cursor)
        self.counters: Counters = load_counters(cursor)
        self.rollups = Rollups(self.dictionaries, self.counters)
        self._digests: dict[bytes, int] = {
            bytes(digest): received_ns
            for digest, received_ns in cursor.execute(
                "SELECT digest, received_ns FROM export_requests"
            ).fetchall()
        }
        self._heartbeats: set[tuple[int, int]] = set()
        self._clear()

    def is_repeat(self, digest: bytes, received_ns: int) -> bool:
        """Tell whether this body is committed already, or part of this transaction."""
        known_ns = self._digests.get(digest)
        return digest in self._new_digests or (
            known_ns is not None and received_ns - known_ns <= DEDUPE_NS
        )

    def add(self, batch: Batch, digest: bytes, received_ns: int) -> None:
        """Take a batch into the transaction."""
        ids = self.dictionaries
        resources = [ids.resources.id_of(resource) for resource in batch.resources]
        strings = [ids.strings.id_of(value) for value in batch.strings]
        series = [replace(one, resource=resources[one.resource]) for one in batch.series]
        series_ids = [ids.series.id_of(one) for one in series]
        self._append("spans", batch.spans, resource=resources, name=strings, route=strings,
                     flags=strings)  # fmt: skip
        self._append("metric_points", batch.points, series=series_ids)
        self._append("histogram_points", batch.histograms, series=series_ids)
        self._append("logs", batch.logs, resource=resources)
        self.rollups.add(batch, resources, series)
        bucket_s = received_ns // 10**10 * 10
        self._new_heartbeats |= {(bucket_s, resource) for resource in resources}
        self._new_digests[digest] = received_ns

    def insert(self) -> None:
        """Write all rows; the caller commits."""
        for table, rows in self.dictionaries.rows().items():
            if rows:
                self._insert(table, pa.Table.from_pylist(rows))
        for table, parts in self._parts.items():
            self._insert(table, pa.concat_tables(parts))
        for table, rolled in self.rollups.tables().items():
            self._insert(table, rolled)
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
        self._insert(
            "export_requests",
            pa.table(
                {
                    "received_ns": pa.array(self._new_digests.values(), pa.int64()),
                    "digest": pa.array(self._new_digests.keys(), pa.binary()),
                }
            ),
        )

    def commit(self) -> None:
        """Remember: the transaction is durable."""
        self.dictionaries.commit()
        self.counters.commit()
        self._digests |= self._new_digests
        newest_s = max((bucket_s for bucket_s, _ in self._new_heartbeats), default=0)
        self._heartbeats = {
            pair for pair in self._heartbeats | self._new_heartbeats if pair[0] >= newest_s - 60
        }
        self._clear()

    def rollback(self) -> None:
        """Forget: the transaction never was."""
        self.dictionaries.rollback()
        self.counters.rollback()
        self._clear()

    def forget_digests(self, before_ns: int) -> None:
        """Let go of digests that are too old to be repeated."""
        self._digests = {key: at for key, at in self._digests.items() if at >= before_ns}

    def _clear(self) -> None:
        self._parts: dict[str, list[pa.Table]] = {}
        self._new_digests: dict[bytes, int] = {}
        self._new_heartbeats: set[tuple[int, int]] = set()
        self.rollups.clear()

    def _append(self, table: str, rows: pa.Table, **ids: list[int]) -> None:
        if not len(rows):
            return
        for position, column in enumerate(rows.column_names):
            if column in ids:
                mapped = np.asarray(ids[column], dtype=np.int32)[rows[column].to_numpy()]
                rows = rows.set_column(position, _IDS[table][column], pa.array(mapped))
        self._parts.setdefault(table, []).append(rows)

    def _insert(self, table: str, rows: pa.Table) -> None:
        if not len(rows):
            return
        self.cursor.register("incoming", rows)
        try:
            self.cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
        finally:
            self.cursor.unregister("incoming")


def load_counters(cursor: duckdb.DuckDBPyConnection) -> Counters:
    """Rebuild the state of all cumulative SLI series from their last points in the tables."""
    counters = Counters()
    for resource_id, start_ns, first_ns, last_ns in cursor.execute(
        "SELECT resource_id, start_ns, min(time_ns) AS first_ns, max(time_ns) FROM ("
        " SELECT series_id, start_ns, time_ns FROM metric_points UNION ALL"
        " SELECT series_id, start_ns, time_ns FROM histogram_points)"
        " JOIN metric_series USING (series_id) WHERE temporality = ?"
        " GROUP BY resource_id, start_ns ORDER BY first_ns",
        [CUMULATIVE],
    ).fetchall():
        counters.hear(resource_id, start_ns, first_ns)
        counters.hear(resource_id, start_ns, last_ns)
    for table, values in (
        ("metric_points", "[coalesce(value_int, TRY_CAST(value_double AS BIGINT))]"),
        ("histogram_points", "bucket_counts"),
    ):
        for series_id, resource_id, start_ns, time_ns, last in cursor.execute(
            "SELECT series_id, any_value(resource_id), start_ns, max(time_ns),"
            f" arg_max({values}, time_ns) FROM {table} JOIN metric_series USING (series_id)"
            " WHERE temporality = ? AND list_contains(?, name)"
            f" AND {values}[1] IS NOT NULL GROUP BY series_id, start_ns",
            [CUMULATIVE, list(SLI_METRICS)],
        ).fetchall():
            counters.advance(series_id, resource_id, start_ns, time_ns, tuple(last))
    counters.commit()
    return counters
