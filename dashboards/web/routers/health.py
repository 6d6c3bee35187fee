"""/healthz: the process answers. /readyz: telemetry would be taken and kept.

Liveness asks nothing of the store: a full disk is not mended by a restart.
"""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

import duckdb
from fastapi import APIRouter, Response

from dashboards.web.answers import ErrorAnswer, Problem, json_answer
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps

ROUTER: Final = APIRouter(tags=["health"])


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of a healthy server."""

    status: str
    version: str


@dataclass(frozen=True, slots=True)
class NotReady(ErrorAnswer):
    """The answer of a server that would refuse telemetry, with every reason."""

    reasons: tuple[str, ...]


@ROUTER.get("/healthz", responses={200: {"model": Health}})
def healthz(deps: AppDeps) -> Response:
    """Say that the process is alive."""
    return json_answer(Health("ok", deps.version))


@ROUTER.get("/readyz", responses={200: {"model": Health}, 503: {"model": NotReady}})
def readyz(deps: AppDeps) -> Response:
    """Say whether the store can be read and written; 503 with the reasons when it cannot."""
    unreadable = _unreadable(deps)
    refusing = [] if deps.selfwatch is None else deps.selfwatch.not_ready()
    if unreadable or refusing:
        kind = "store_unavailable" if unreadable else "not_ready"
        reasons = (*unreadable, *refusing)
        return json_answer(NotReady(Problem(kind, "; ".join(reasons)), reasons), 503)
    return json_answer(Health("ready", deps.version))


def _unreadable(deps: Deps) -> list[str]:
    try:
        with closing(deps.store.cursor()) as cursor:
            cursor.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
    except duckdb.Error as error:
        return [f"The store does not answer: {error}"]
    return []
