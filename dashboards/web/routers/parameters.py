"""What every route may ask for: the app's dependencies, the shared views, the time range."""

from typing import Annotated, cast

from fastapi import Depends, Query, Request

from alerts.incidents.desk import Desk
from collector.store.remembered import Remembered
from collector.store.span_names import SpanNames
from dashboards.web.collector_view import Rates
from dashboards.web.deps import Deps
from dashboards.web.incidents import SharedDossiers
from dashboards.web.timerange import DEFAULT_FROM, DEFAULT_TO, TimeRange, parse_range
from dashboards.web.topology import SharedViews


def _deps(request: Request) -> Deps:
    return cast("Deps", request.app.state.deps)


def _views(request: Request) -> SharedViews:
    return cast("SharedViews", request.app.state.views)


def _span_names(request: Request) -> SpanNames:
    return cast("SpanNames", request.app.state.span_names)


def _rates(request: Request) -> Rates:
    return cast("Rates", request.app.state.rates)


def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


def _dossiers(request: Request) -> SharedDossiers:
    return cast("SharedDossiers", request.app.state.dossiers)


def _remembered(request: Request) -> Remembered:
    return cast("Remembered", request.app.state.remembered)


AppDeps = Annotated[Deps, Depends(_deps)]
LiveRates = Annotated[Rates, Depends(_rates)]
Views = Annotated[SharedViews, Depends(_views)]
Incidents = Annotated[Desk, Depends(_desk)]
Dossiers = Annotated[SharedDossiers, Depends(_dossiers)]
Sums = Annotated[Remembered, Depends(_remembered)]
Names = Annotated[SpanNames, Depends(_span_names)]


def _range(
    deps: AppDeps,
    from_: Annotated[
        str, Query(alias="from", description="now-15m, unix seconds or ISO 8601")
    ] = DEFAULT_FROM,
    to: Annotated[str, Query(description="now, unix seconds or ISO 8601")] = DEFAULT_TO,
) -> TimeRange:
    return parse_range(from_, to, now_s=deps.clock_s())


Range = Annotated[TimeRange, Depends(_range)]
