"""What the API tells of the collector itself.

/api/collector: all of its page.
/api/exporters: who sends, and who is silent. /api/redaction: what was masked. /api/overflow: which
services and metrics have more series or edges than they may.
"""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Response

from collector.store import reader
from dashboards.web.answers import ErrorAnswer, NotFound, json_answer
from dashboards.web.collector_view import CollectorView, Rates, collector_view
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps, LiveRates
from dashboards.web.self_metrics import Exporter, exporters

ROUTER: Final = APIRouter(prefix="/api", tags=["collector"])
REMEMBERED_S: Final = 86_400
"""An exporter that was not heard for a day has been taken away, and is no longer told of."""


@dataclass(frozen=True, slots=True)
class Masked:
    """How many values of a kind were masked since the start; never the values."""

    signal: str
    service: str
    kind: str
    values: int


@dataclass(frozen=True, slots=True)
class Overflowed:
    """What found a limit full: its counts are in an overflow series, or edge, with others."""

    limit: str
    """The setting: series_per_metric, series_per_service or edges_per_service."""
    service: str
    metric: str
    """'' for edges."""
    counts: int
    """How often since the start."""


@ROUTER.get("/collector", responses={200: {"model": CollectorView}, 404: {"model": ErrorAnswer}})
def collector_api(deps: AppDeps, rates: LiveRates) -> Response:
    """Tell what comes in, what is left out and how the store is doing; 404 without a collector."""
    view = read_collector(deps, rates)
    if view is None:
        raise NotFound("This server takes no telemetry.")
    return json_answer(view)


@ROUTER.get("/exporters", responses={200: {"model": list[Exporter]}})
def exporters_api(deps: AppDeps) -> Response:
    """List every exporter of the last day: when it was heard, and whether it is silent."""
    return json_answer(read_exporters(deps))


@ROUTER.get("/redaction", responses={200: {"model": list[Masked]}})
def redaction_api(deps: AppDeps) -> Response:
    """Report what was masked before it was stored, by signal, service and kind."""
    return json_answer([] if deps.selfwatch is None else deps.selfwatch.masked())


@ROUTER.get("/overflow", responses={200: {"model": list[Overflowed]}})
def overflow_api(deps: AppDeps) -> Response:
    """Report which services and metrics are beyond a limit of series or edges since the start."""
    return json_answer([] if deps.selfwatch is None else deps.selfwatch.overflowed())


def read_exporters(
    deps: Deps, *, of_all_time: bool = False, heard_within_s: int = REMEMBERED_S
) -> list[Exporter]:
    """Read the exporters heard lately, or all that are stored, as of the clock of the app."""
    now_s = deps.clock_s()
    from_s = 0 if of_all_time else int(now_s) - heard_within_s
    known = None if deps.selfwatch is None else deps.selfwatch.exporters
    with closing(deps.store.cursor()) as cursor:
        return exporters(reader.exporters(cursor, from_s), now_s, known)


def read_collector(deps: Deps, rates: Rates) -> CollectorView | None:
    """Put the view of the collector together; None when this server has none."""
    watch = deps.selfwatch
    if watch is None:
        return None
    return collector_view(
        watch.registry, rates, read_exporters(deps), watch.not_ready(), deps.clock_s()
    )
