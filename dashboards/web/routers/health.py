"""/healthz: the process answers. /readyz: the store answers too."""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

import duckdb
from fastapi import APIRouter, Response

from dashboards.web.answers import ErrorAnswer, Problem, json_answer
from dashboards.web.routers.parameters import AppDeps

ROUTER: Final = APIRouter(tags=["health"])


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of a healthy server."""

    status: str
    version: str


@ROUTER.get("/healthz", responses={200: {"model": Health}})
def healthz(deps: AppDeps) -> Response:
    """Say that the process is alive."""
    return json_answer(Health("ok", deps.version))


@ROUTER.get("/readyz", responses={200: {"model": Health}, 503: {"model": ErrorAnswer}})
def readyz(deps: AppDeps) -> Response:
    """Say whether the store can be read; 503 when it cannot."""
    try:
        with closing(deps.store.cursor()) as cursor:
            cursor.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
    except duckdb.Error as error:
        problem = Problem("store_unavailable", f"The store does not answer: {error}")
        return json_answer(ErrorAnswer(problem), 503)
    return json_answer(Health("ready", deps.version))
