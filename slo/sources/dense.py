"""Counts of many indicators at every step of a span: one pass over rows as they lie in the store.

Rows are added up per edge and step in a dense table, and indicators are sums of its edges. That is
what rules read every cycle for all objectives; ``match`` serves few windows, where rows grouped by
the store are fewer. Never reads the store, never divides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collector.edges import is_error
from slo.latency import threshold_bucket
from slo.model import CodeSli, EdgeSelector, EdgeSli, LatencySli

MOST_CELLS: Final = 8_000_000
"""Edges times steps of one pass: 64 MB for each kind of count."""
_NARROWED: Final = ("source", "route", "version")

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Steps:
    """[from_s, to_s) cut into steps; both ends are multiples of ``step_s``."""

    from_s: int
    to_s: int
    step_s: int

    @property
    def slots(self) -> int:
        """How many steps there are."""
        return (self.to_s - self.from_s) // self.step_s

    def cut(self, rows: int) -> Iterable["Steps"]:
        """Cut so that a table of so many rows stays within MOST_CELLS."""
        most_s = max(MOST_CELLS // max(rows, 1), 1) * self.step_s
        for from_s in range(self.from_s, self.to_s, most_s):
            yield Steps(from_s, min(from_s + most_s, self.to_s), self.step_s)


class EdgeTable:
    """Which canonical edges each indicator adds up, and which of them failed.

    ``ids`` are the edges whose rows ``tally`` is to be given.
    """

    def __init__(self, edges: pa.Table, slis: Sequence[EdgeSli]) -> None:
        self.slis = tuple(slis)
        ids = _ints(edges, "edge_id")
        columns = {name: _texts(edges, name) for name in ("destination", *_NARROWED)}
        by_destination: dict[str, list[int]] = {}
        for row, name in enumerate(columns["destination"]):
            by_destination.setdefault(name, []).append(row)
        found = [_members(sli.edges, columns, by_destination) for sli in slis]
        wanted = sorted({row for rows in found for row in rows})
        place = {row: at for at, row in enumerate(wanted)}
        self._members = [np.array([place[row] for row in rows], np.intp) for rows in found]
        self._codes = _ints(edges, "code")[wanted].tolist()
        self._is_ok = np.array([not is_error(code) for code in self._codes], bool)
        self.ids = ids[wanted]
        self._places = np.full(int(ids.max(initial=0)) + 1, -1, np.int64)
        self._places[self.ids] = np.arange(len(wanted))

    @property
    def needs_latency(self) -> bool:
        """Tell whether some indicator asks for durations."""
        return any(isinstance(sli, LatencySli) for sli in self.slis)

    def tally(self, steps: Steps, requests: pa.Table, latencies: pa.Table | None) -> Ints:
        """Return good and total of each indicator and step, shaped (len(slis), slots, 2).

        They are as they were counted: ``within_total`` ends a sum of them.
        """
        total = self._dense(steps, requests, _ints(requests, "requests"))
        buckets = None if latencies is None else _ints(latencies, "latency_bucket")
        quick: dict[int, Ints] = {}
        result = np.zeros((len(self.slis), steps.slots, 2), np.int64)
        for counts, sli, members in zip(result, self.slis, self._members, strict=True):
            if isinstance(sli, CodeSli):
                counted = [row for row in members if sli.counted.hold(self._codes[row])]
                good = [row for row in counted if not sli.bad.hold(self._codes[row])]
                counts[:, 0], counts[:, 1] = (total[rows].sum(axis=0) for rows in (good, counted))
                continue
            ok = members[self._is_ok[members]]
            counts[:, 1] = total[members].sum(axis=0)
            if not isinstance(sli, LatencySli):
                counts[:, 0] = total[ok].sum(axis=0)
            elif latencies is not None and buckets is not None:
                last = threshold_bucket(sli.threshold_ms)
                if last not in quick:
                    within = np.where(buckets <= last, _ints(latencies, "count"), 0)
                    quick[last] = self._dense(steps, latencies, within)
                counts[:, 0] = quick[last][ok].sum(axis=0)
        return result

    def _dense(self, steps: Steps, rows: pa.Table, counts: Ints) -> Ints:
        """Add counts up per edge and step."""
        slots = (_ints(rows, "bucket_s") - steps.from_s) // steps.step_s
        table = np.zeros(len(self.ids) * steps.slots, np.int64)
        np.add.at(table, self._places[_ints(rows, "edge_id")] * steps.slots + slots, counts)
        return table.reshape(len(self.ids), steps.slots)


def _members(
    edges: EdgeSelector,
    columns: dict[str, NDArray[np.object_]],
    by_destination: dict[str, list[int]],
) -> list[int]:
    """Return the rows of the edges that an indicator asks for."""
    rows = by_destination.get(edges.destination, [])
    for name in _NARROWED:
        wanted = getattr(edges, name)
        if wanted is not None:
            rows = [row for row in rows if columns[name][row] == wanted]
    if edges.consumers:
        rows = [row for row in rows if columns["source"][row] in edges.consumers]
    return rows


def _ints(table: pa.Table, name: str) -> Ints:
    return np.asarray(table.column(name).to_numpy(), np.int64)


def _texts(table: pa.Table, name: str) -> NDArray[np.object_]:
    return np.asarray(table.column(name).to_pylist(), object)
