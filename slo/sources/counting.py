"""How objectives are counted over a store: the one way, for pages, rules, reports and replays.

Keeps the labels of series and days that are over between two questions. Never holds SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from collector.prometheus.source import Indexes
from collector.store import reader
from collector.store.remembered import Base
from slo.groups import Seen, edges_in, expanded
from slo.model import AvailabilitySli, Slo
from slo.sources import CountSource, Window
from slo.sources.corrected import CorrectedSource
from slo.sources.edges import EdgeCountSource, Members
from slo.sources.minutes import Days, MinuteSource, QueryRows
from slo.sources.queries import Queries, store_indexes, store_source


def seen_by(cursor: duckdb.DuckDBPyConnection, to_s: int) -> Seen:
    """Return who tells which members of an objective were seen in the window until a moment."""

    def seen(slo: Slo) -> list[Members]:
        window = (slo.window.from_s(to_s), to_s)
        found: dict[tuple[str, ...], int] = {}
        for edges in edges_in(slo.sli):
            columns = slo.group_by
            rows = EdgeCountSource(cursor).members(AvailabilitySli(edges), columns, window)
            for values, requests in rows:
                source = dict(zip(columns, values, strict=True)).get("source")
                if not edges.consumers or source is None or source in edges.consumers:
                    found[values] = found.get(values, 0) + requests
        return list(found.items())

    return seen


@dataclass(frozen=True, slots=True)
class Counting:
    """What is kept; a source made by it is for one thread and one moment."""

    days: Days = field(default_factory=Days)
    known: Indexes = field(default_factory=store_indexes)

    def source(
        self,
        cursor: duckdb.DuckDBPyConnection,
        to_s: int,
        spans: Sequence[Window] = (),
        base: Base | None = None,
    ) -> CountSource:
        """Return every indicator's counts up to a moment, without some spans of time.

        ``base`` of the cursor's snapshot spares windows from 0 to be read whole.
        """
        edges = EdgeCountSource(cursor, base)
        counted = CorrectedSource(edges, spans) if spans else edges

        def ask() -> QueryRows:
            return Queries(store_source(cursor, self.known, to_s), reader.first_point_s(cursor))

        return MinuteSource(counted, ask, to_s, spans=spans, days=self.days)

    def slos(self, cursor: duckdb.DuckDBPyConnection, slos: Sequence[Slo], to_s: int) -> list[Slo]:
        """Return objectives with the members of groups that were seen until a moment."""
        return expanded(slos, seen_by(cursor, to_s))
