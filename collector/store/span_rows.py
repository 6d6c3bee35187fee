"""The spans of one transaction: many batches -> one table of rows, in one piece.

Work is done once for a transaction and not once for each of its many small batches: ids, adjusted
counts, JSON types. One piece, because DuckDB hands each chunk to another thread, which costs more
than it brings. Never touches a database.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from collector.otlp.batch import SPANS
from collector.otlp.tracestate import with_adjusted_counts

_INTERNED: Final = {
    "resource": "resource_id",
    "name": "name_id",
    "route": "route_id",
    "flags": "flags_id",
}
"""Columns of a batch that hold positions -> columns of the table that hold ids."""


@dataclass(slots=True)
class SpanRows:
    """Batches taken one by one; a table at the end."""

    _tables: list[pa.Table] = field(default_factory=list)
    _resources: list[list[int]] = field(default_factory=list)
    _strings: list[list[int]] = field(default_factory=list)
    _received_ns: list[int] = field(default_factory=list)

    def add(
        self, spans: pa.Table, resources: list[int], strings: list[int], received_ns: int
    ) -> None:
        """Take the spans of a batch; the lists give the id of each position."""
        if len(spans):
            self._tables.append(spans)
            self._resources.append(resources)
            self._strings.append(strings)
            self._received_ns.append(received_ns)

    def reach_ns(self, margin_ns: int) -> list[tuple[int, int]]:
        """Return for each batch from when on its calls have ends, and when it came.

        The other end of a call lies within the span, and at most ``margin_ns`` before its end.
        """
        reach = []
        for spans, received_ns in zip(self._tables, self._received_ns, strict=True):
            starts = spans["start_ns"].to_numpy()
            ends = starts + spans["duration_ns"].to_numpy()
            reach.append((int(np.maximum(starts, ends - margin_ns).min()), received_ns))
        return reach

    def table(self) -> pa.Table:
        """Return all rows with the ids of the dictionaries, named as the columns of the store."""
        if not self._tables:
            return SPANS.empty_table()
        rows = with_adjusted_counts(pa.concat_tables(self._tables).combine_chunks())
        lengths = [len(spans) for spans in self._tables]
        mapped = {
            column: _ids(rows[column].to_numpy(), ids, lengths)
            for column, ids in (
                ("resource", self._resources),
                *((name, self._strings) for name in ("name", "route", "flags")),
            )
        }
        columns = [
            pa.array(mapped[column]) if column in mapped else rows[column]
            for column in rows.column_names
        ]
        names = [_INTERNED.get(column, column) for column in rows.column_names]
        return pa.table(columns, names=names)


def _ids(positions: Any, ids: list[list[int]], lengths: list[int]) -> Any:
    """Return the ids of positions that count from 0 in each batch."""
    starts = np.cumsum([0, *(len(some) for some in ids[:-1])])
    flat = np.array([number for some in ids for number in some], np.int32)
    return flat[positions + np.repeat(starts, lengths)]
