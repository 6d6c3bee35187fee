"""The pages: topology, services, SLOs, canaries: templates over what the API answers too."""

from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from alerts.burnrate import runbook_url
from dashboards.web import answers, formatting
from dashboards.web.canaries import canary_query, chosen, read_canary, versions_of
from dashboards.web.deps import Deps
from dashboards.web.routers.api_collector import read_collector, read_exporters
from dashboards.web.routers.canary_parameters import AskedPolicy
from dashboards.web.routers.parameters import AppDeps, LiveRates, Range, Views
from dashboards.web.services import last_seen, service_rows, silent_services
from dashboards.web.slos import called_services, read_detail, read_statuses
from dashboards.web.sparklines import read_sparklines
from dashboards.web.timerange import DEFAULT_TO, TimeRange
from slo.canary.policy import LOOKBACK_S
from slo.canary.source import Asked
from slo.status import WORST_FIRST

ROUTER: Final = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Preset:
    """A range of the picker that ends now."""

    title: str
    from_text: str

    @property
    def query(self) -> str:
        """Return the preset as the query string of a TimeRange."""
        return TimeRange(self.from_text, DEFAULT_TO, 0, 0).query


DAY_S: Final = 86_400
PRESETS: Final = tuple(
    Preset(title, f"now-{duration}")
    for title, duration in (
        ("Last 5 minutes", "5m"),
        ("Last 15 minutes", "15m"),
        ("Last hour", "1h"),
        ("Last 6 hours", "6h"),
        ("Last 24 hours", "24h"),
        ("Last 7 days", "7d"),
        ("Last 30 days", "30d"),
    )
)


@ROUTER.get("/")
def home(request: Request) -> Response:
    """Lead to the topology, keeping the range."""
    return RedirectResponse(request.url.replace(path="/topology"), 307)


@ROUTER.get("/topology")
def topology_page(request: Request, deps: AppDeps, asked: Range) -> Response:
    """Show the live graph; its numbers come from the stream."""
    host = request.url.hostname or "localhost"
    return answers.page(request, "topology.html", **page_frame("/topology", deps, asked), host=host)


@ROUTER.get("/services")
def services_page(request: Request, deps: AppDeps, views: Views, asked: Range) -> Response:
    """Show one row per service."""
    view = views.read(asked)
    found = read_exporters(deps, of_all_time=True)
    with deps.store.snapshot() as cursor:
        sparklines = read_sparklines(cursor, view.from_s, view.to_s)
    return answers.page(
        request,
        "services.html",
        **page_frame("/services", deps, asked),
        rows=service_rows(view, last_seen(found)),
        silent=silent_services(found),
        sparklines=sparklines,
        now_s=deps.clock_s(),
    )


@ROUTER.get("/slos")
def slos_page(
    request: Request, deps: AppDeps, asked: Range, service: str | None = None
) -> Response:
    """Show every SLO, or those of one service, worst first."""
    shown = [slo for slo in deps.slos if service in {None, slo.service}]
    statuses = read_statuses(deps.store, shown, asked.to_s, deps.corrections(), deps.counting)
    order = {state: place for place, state in enumerate(WORST_FIRST)}
    frame = page_frame("/slos", deps, asked)
    called = [] if statuses else called_services(deps.store, asked.to_s - DAY_S, asked.to_s)
    return answers.page(
        request,
        "slos.html",
        **frame,
        statuses=statuses,
        state_order=order,
        service=service,
        called=[name for name in called if service in {None, name}],
    )


@ROUTER.get("/slos/{name}")
def slo_page(request: Request, deps: AppDeps, asked: Range, name: str) -> Response:
    """Show one SLO; its charts come from the API."""
    found = read_detail(deps.store, deps.slos, name, asked.to_s, deps.corrections(), deps.counting)
    frame = page_frame("/slos", deps, asked)
    return answers.page(
        request,
        "slo.html",
        **frame,
        status=found.status,
        description=found.slo.description,
        runbook_url=runbook_url(found.slo),
        whole=found.status.belongs_to if found.slo.group else "",
    )


@ROUTER.get("/collector")
def collector_page(request: Request, deps: AppDeps, rates: LiveRates, asked: Range) -> Response:
    """Show the collector itself."""
    return answers.page(
        request,
        "collector.html",
        **page_frame("/collector", deps, asked),
        view=read_collector(deps, rates),
        host=request.url.hostname or "localhost",
    )


@ROUTER.get("/canary/{service}")
def canary_page(
    request: Request,
    deps: AppDeps,
    asked: Range,
    policy: AskedPolicy,
    service: str,
    canary: str | None = None,
    baseline: str | None = None,
) -> Response:
    """Compare two versions of a service, since the canary's first request or in a range."""
    is_ranged = "from" in request.query_params
    to_s = int(deps.clock_s()) if asked.is_live else asked.to_s
    from_s = asked.from_s if is_ranged else None
    seen = versions_of(deps.store, service, from_s or to_s - LOOKBACK_S, to_s)
    pair = chosen(seen, canary or None, baseline or None)
    view = None
    if pair is not None:
        question = Asked(service, pair.canary, pair.baseline, to_s, from_s)
        view = read_canary(deps.store, question, policy)
    frame = page_frame("/services", deps, asked)
    if not is_ranged:
        frame |= {"range_title": "Since its first request", "own_start": True}
    return answers.page(
        request,
        "canary.html",
        **frame,
        service=service,
        view=view,
        seen=seen,
        policy=policy,
        distribution=None if view is None else answers.encode(view.distribution).decode(),
        api_query=canary_query(view, policy, asked if is_ranged else None),
    )


def page_frame(path: str, deps: Deps, asked: TimeRange) -> dict[str, Any]:
    """Return what base.html needs beside the page's own content."""
    titles = {preset.query: preset.title for preset in PRESETS}
    fixed = f"{formatting.utc_time(asked.from_s)} to {formatting.utc_time(asked.to_s)} UTC"
    relative = f"{asked.from_text} to {asked.to_text}"
    return {
        "page": path,
        "range": asked,
        "range_title": titles.get(asked.query, relative if asked.is_live else fixed),
        "presets": PRESETS,
        "version": deps.version,
        "grafana_url": deps.grafana_url,
    }
