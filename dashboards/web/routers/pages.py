"""The pages: topology, services, SLOs. Each is a template over what the API answers too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from alerts.burnrate import runbook_url
from dashboards.web import answers, formatting
from dashboards.web.deps import Deps
from dashboards.web.routers.api_collector import read_collector, read_exporters
from dashboards.web.routers.parameters import AppDeps, LiveRates, Range, Views
from dashboards.web.services import last_seen, service_rows, silent_services
from dashboards.web.slos import called_services, read_detail, read_statuses
from dashboards.web.sparklines import read_sparklines
from dashboards.web.timerange import DEFAULT_TO, TimeRange
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
    return answers.page(request, "topology.html", **_frame("/topology", deps, asked), host=host)


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
        **_frame("/services", deps, asked),
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
    frame = _frame("/slos", deps, asked)
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
    frame = _frame("/slos", deps, asked)
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
        **_frame("/collector", deps, asked),
        view=read_collector(deps, rates),
        host=request.url.hostname or "localhost",
    )


def _frame(path: str, deps: Deps, asked: TimeRange) -> Mapping[str, Any]:
    """What base.html needs beside the page's own content."""
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
