"""The web app: routes, static files, errors and headers put together around the dependencies.

Never opens a store, reads a setting or starts a server; ``dashboards.server`` does.
"""

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from alerts.incidents.desk import Desk
from collector.store.remembered import Remembered
from collector.store.span_names import SpanNames
from dashboards.jaeger import router as jaeger
from dashboards.prometheus.install import install as install_prometheus
from dashboards.tempo import router as tempo
from dashboards.web.access.caller import WebAccess
from dashboards.web.access.gate import Gate
from dashboards.web.answers import Headers, install_errors
from dashboards.web.collector_view import Rates
from dashboards.web.deps import Deps
from dashboards.web.incidents import SharedDossiers, SharedSilences
from dashboards.web.routers import (
    api_alertmanager,
    api_canary,
    api_collector,
    api_corrections,
    api_incidents,
    api_services,
    api_slos,
    api_sql,
    api_topology,
    api_traces,
    health,
    incident_pages,
    login,
    metrics,
    pages,
    runbooks,
)
from dashboards.web.topology import SharedViews

TICK_S: Final = 2.0
"""How often the live stream looks."""

_STATIC: Final = Path(__file__).parent / "static"


def create_app(deps: Deps, *, tick_s: float = TICK_S) -> FastAPI:
    """Build the app. ``/docs`` is off, because its page loads scripts from elsewhere."""
    app = FastAPI(title="meshscope", version=deps.version, docs_url=None, redoc_url=None)
    app.state.deps = deps
    app.state.access = access = deps.access or WebAccess(clock_s=deps.clock_s)
    app.state.views = SharedViews(deps.store, kept_s=tick_s / 2)
    app.state.tick_s = tick_s
    app.state.rates = Rates()
    app.state.remembered = Remembered()
    app.state.span_names = SpanNames(deps.store)
    app.state.desk = deps.desk or Desk(deps.store, None, deps.store.clock_ns)
    app.state.dossiers = SharedDossiers(SharedSilences(deps.alertmanagers))
    app.state.sql_pool = api_sql.sql_pool()
    slos = (api_corrections, api_slos)  # in this order: the name of an objective is any word
    told = (api_alertmanager, api_incidents)
    apis = (api_canary, api_collector, api_services, *slos, api_sql, api_topology, api_traces)
    others = (jaeger, tempo, metrics, health, login, pages, incident_pages, runbooks)
    for module in (*apis, *told, *others):
        app.include_router(module.ROUTER)
    install_prometheus(app, deps)
    app.mount("/static", StaticFiles(directory=_STATIC, check_dir=False), name="static")
    install_errors(app)
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=3)
    app.add_middleware(Gate, access=access)
    app.add_middleware(Headers)
    return app
