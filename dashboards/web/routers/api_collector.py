"""/api/exporters: who sends telemetry, and who is silent. /api/redaction: what was masked."""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Response

from collector.store import reader
from dashboards.web.answers import json_answer
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps
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


@ROUTER.get("/exporters", responses={200: {"model": list[Exporter]}})
def exporters_api(deps: AppDeps) -> Response:
    """List every exporter of the last day: when it was heard, and whether it is silent."""
    return json_answer(read_exporters(deps))


@ROUTER.get("/redaction", responses={200: {"model": list[Masked]}})
def redaction_api(deps: AppDeps) -> Response:
    """Report what was masked before it was stored, by signal, service and kind."""
    return json_answer([] if deps.selfwatch is None else deps.selfwatch.masked())


def read_exporters(deps: Deps) -> list[Exporter]:
    """Read the exporters of the last day, as of the clock of the app."""
    now_s = deps.clock_s()
    with closing(deps.store.cursor()) as cursor:
        return exporters(reader.exporters(cursor, int(now_s) - REMEMBERED_S), now_s)
