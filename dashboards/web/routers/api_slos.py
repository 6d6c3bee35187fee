"""/api/slos: the statuses, worst first; /api/slos/{name}: one with its burn-down.

/api/slos/gate says whether a service may be changed.
/api/slos/report is a file about a period.
/api/slos/starter is a file of objectives to start with.
/api/slos/{name}/whatif replays one, or another target, window or alert table, over the past.

The SLO's own time window decides what counts; ``to`` decides where it ends.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from dashboards.web.answers import ErrorAnswer, NotFound, json_answer
from dashboards.web.routers.parameters import AppDeps, Range
from dashboards.web.routers.slo_parameters import AskedOverrides, AskedReport, AskedWhatIf, instant
from dashboards.web.slo_reports import FORMATS, read_report
from dashboards.web.slos import Backtests, called_services, read_detail, read_statuses, read_whatif
from dashboards.web.timerange import parse_duration
from slo.evaluate import window_end_s
from slo.gate import GateVerdict, gate
from slo.report import Report
from slo.starter import starter_text
from slo.status import SloStatus

ROUTER: Final = APIRouter(
    prefix="/api/slos", tags=["slos"], responses={400: {"model": ErrorAnswer}}
)


@ROUTER.get("", responses={200: {"model": list[SloStatus]}})
def slos(deps: AppDeps, asked: Range) -> Response:
    """Every SLO with its budget and burn rates."""
    return json_answer(
        read_statuses(deps.store, deps.slos, asked.to_s, deps.corrections(), deps.counting)
    )


@ROUTER.get("/gate", responses={200: {"model": GateVerdict}})
def slo_gate(
    deps: AppDeps, asked: AskedOverrides, service: str, to: Annotated[str, Query()] = "now"
) -> Response:
    """Whether a service may be changed: go, no_go or unknown, with reasons."""
    to_s = instant(to, parameter="to", now_s=deps.clock_s())
    mine = [slo for slo in deps.slos if slo.service == service]
    statuses = read_statuses(deps.store, mine, to_s, deps.corrections(), deps.counting)
    return json_answer(gate(service, mine, statuses, asked))


@ROUTER.get("/report", responses={200: {"model": Report}})
def slo_report(deps: AppDeps, asked: AskedReport) -> Response:
    """A report of a period, as a file to keep."""
    found = read_report(deps.store, deps.slos, asked, deps.corrections(), deps.counting)
    kind = FORMATS[asked.format]
    name = f"slo-report-{found.period}.{kind.suffix}"
    return Response(
        kind.write(found),
        media_type=kind.media_type,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


@ROUTER.get("/starter", response_class=Response)
def starter(
    deps: AppDeps,
    service: str | None = None,
    since: Annotated[str, Query(description="how far back to look for services")] = "1d",
    uncovered: bool = False,  # noqa: FBT001, FBT002 - a query parameter
) -> Response:
    """Objectives to start with for every service that is seen, as an OpenSLO file."""
    to_s = window_end_s(int(deps.clock_s()))
    from_s = to_s - parse_duration(since, parameter="since")
    seen = called_services(deps.store, from_s, to_s)
    covered = {slo.service for slo in deps.slos} if uncovered else set()
    chosen = [name for name in seen if service in {None, name} and name not in covered]
    if not chosen:
        told = f"{service} was not called" if service else "No service was called"
        raise NotFound(f"{told} in the last {since}: there is nothing to make objectives for.")
    return Response(
        starter_text(chosen),
        media_type="application/yaml",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="objectives.yaml"',
        },
    )


@ROUTER.get("/{name}", responses={200: {"model": SloStatus}, 404: {"model": ErrorAnswer}})
def slo(deps: AppDeps, asked: Range, name: str) -> Response:
    """One SLO, with ``series``: its events and its budget left, step by step."""
    found = read_detail(deps.store, deps.slos, name, asked.to_s, deps.corrections(), deps.counting)
    return json_answer(found.as_json())


@ROUTER.get("/{name}/whatif", responses={200: {"model": Backtests}, 404: {"model": ErrorAnswer}})
def whatif(deps: AppDeps, asked: AskedWhatIf, name: str) -> Response:
    """Which alerts would have fired, when, how long, and with how much budget spent."""
    found = read_whatif(deps.store, deps.slos, name, asked, deps.corrections(), deps.counting)
    return json_answer(Backtests(found))
