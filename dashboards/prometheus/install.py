"""The API mounted in the web app: its routes, and the backend that they ask.

Never serves. Comes after the routes of the app, whose paths are others.
"""

from fastapi import FastAPI

from dashboards.prometheus import listings, missing, queries, remote_write, rules, status
from dashboards.prometheus.backend import make_backend
from dashboards.web.deps import Deps


def install(app: FastAPI, deps: Deps) -> None:
    """Add /api/v1, /-/healthy and /-/ready to an app."""
    app.state.prometheus = make_backend(
        deps.store,
        deps.slos,
        deps.clock_s,
        corrections=deps.corrections,
        counting=deps.counting,
    )
    for module in (queries, listings, status, rules, remote_write):
        app.include_router(module.ROUTER)
    app.include_router(status.PROBES)
    app.include_router(missing.ROUTER)
