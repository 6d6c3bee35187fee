"""The declared SLOs at one moment: every status, worst first, or one with its burn-down.

Never computes a budget: ``slo`` does, so that this page, the CLI and the rules agree.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb

from collector.store import reader
from collector.store.store import Store
from dashboards.web.answers import NotFound
from slo.burndown import Burndown, burndown
from slo.evaluate import BUCKET_S, evaluate
from slo.model import Slo, TimeWindow
from slo.sources.edges import EdgeCountSource
from slo.status import SloStatus


@dataclass(frozen=True, slots=True)
class SloDetail:
    """One SLO with the series of its charts."""

    status: SloStatus
    series: Burndown

    def as_json(self) -> dict[str, Any]:
        """Return the status with ``series`` beside its fields, as ``/api/slos/{name}`` does."""
        return asdict(self.status) | {"series": asdict(self.series)}


def read_statuses(store: Store, slos: Sequence[Slo], to_s: int) -> list[SloStatus]:
    """Judge every SLO over the window that ends at ``to_s``, exclusive; worst first."""
    with store.snapshot() as cursor:
        return evaluate(slos, EdgeCountSource(cursor), to_s - 1) if slos else []


def read_detail(store: Store, slos: Sequence[Slo], name: str, to_s: int) -> SloDetail:
    """Judge one SLO; raises NotFound."""
    slo = find(slos, name)
    with store.snapshot() as cursor:
        source = EdgeCountSource(cursor)
        (status,) = evaluate([slo], source, to_s - 1)
        return SloDetail(status, burndown(_measured(slo, cursor, to_s), source, to_s - 1))


def find(slos: Sequence[Slo], name: str) -> Slo:
    """Return the SLO of this name; raises NotFound."""
    found = next((slo for slo in slos if slo.name == name), None)
    if found is None:
        raise NotFound(f"There is no SLO named {name}.")
    return found


def _measured(slo: Slo, cursor: duckdb.DuckDBPyConnection, to_s: int) -> Slo:
    """Shorten the charted window to the time with data: nothing happened before it, so the budget
    stays the same, and the steps get finer.
    """
    first = reader.first_bucket_s(cursor)
    if first is None or first >= to_s:
        return slo
    seconds = min(slo.window.seconds, max(to_s - first, BUCKET_S))
    return replace(slo, window=TimeWindow(seconds))
