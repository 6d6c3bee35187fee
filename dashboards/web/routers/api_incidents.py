"""/api/incidents: open ones first; /api/incidents/{id}: one with cost, cause, changes, timeline.

The id is that of the incident or of any of its alerts. ``ack`` and ``note`` keep what people say;
``report`` is a draft of the review after it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from alerts.incidents.desk import Desk, Kind, SaidTooMuch
from alerts.incidents.dossier import Dossier, IncidentLine, line
from collector.store.errors import StoreError
from dashboards.web.answers import ErrorAnswer, Problem, json_answer
from dashboards.web.deps import Deps
from dashboards.web.incidents import FORMATS, find, read_lines
from dashboards.web.routers.parameters import AppDeps, Dossiers, Incidents

_ERRORS: Final[Mapping[int | str, dict[str, Any]]] = {
    status: {"model": ErrorAnswer} for status in (400, 404)
}
ROUTER: Final = APIRouter(prefix="/api/incidents", tags=["incidents"], responses=dict(_ERRORS))
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Text = Annotated[str, Field(max_length=4000)]


class Acknowledging(BaseModel):
    """Who takes the incident."""

    by: Line
    text: Text = ""


class Noting(BaseModel):
    """What somebody says about it."""

    by: Line
    text: Annotated[Text, Field(min_length=1)]


@ROUTER.get("", responses={200: {"model": list[IncidentLine]}})
def incidents(
    deps: AppDeps,
    desk: Incidents,
    state: Annotated[Literal["open", "resolved"] | None, Query()] = None,
    service: Annotated[str | None, Query()] = None,
) -> Response:
    """Every incident that is kept, at most 500."""
    return json_answer(read_lines(desk, deps.clock_s(), state=state, service=service))


@ROUTER.get("/{name}", responses={200: {"model": Dossier}})
def incident(deps: AppDeps, desk: Incidents, dossiers: Dossiers, name: str) -> Response:
    """One incident with everything that is known of it."""
    return json_answer(dossiers.read(deps, desk, find(desk, name)))


@ROUTER.post("/{name}/ack", responses={200: {"model": IncidentLine}})
def acknowledge(deps: AppDeps, desk: Incidents, name: str, asked: Acknowledging) -> Response:
    """Say who takes it; the first who does is shown, others stay in the timeline."""
    return _said(deps, desk, name, "acknowledged", asked.by, asked.text)


@ROUTER.post("/{name}/note", responses={200: {"model": IncidentLine}})
def note(deps: AppDeps, desk: Incidents, name: str, asked: Noting) -> Response:
    """Add a note to its timeline."""
    return _said(deps, desk, name, "note", asked.by, asked.text)


@ROUTER.get("/{name}/report", responses={200: {"model": Dossier}})
def report(
    deps: AppDeps,
    desk: Incidents,
    dossiers: Dossiers,
    name: str,
    format_: Annotated[Literal["markdown", "html", "json"], Query(alias="format")] = "markdown",
) -> Response:
    """Write a draft of the review, as a file to go on with."""
    found = dossiers.read(deps, desk, find(desk, name))
    kind = FORMATS[format_]
    file = f"incident-{found.incident.id}.{kind.suffix}"
    return Response(
        kind.write(found),
        media_type=kind.media_type,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{file}"',
        },
    )


def _said(deps: Deps, desk: Desk, name: str, kind: Kind, by: str, text: str) -> Response:
    incident = find(desk, name)
    if not desk.is_open:
        return _failed(400, "refused", "this server shows a store and keeps nothing")
    if not by.strip() or (kind == "note" and not text.strip()):
        return _failed(400, "refused", "by and text must be more than spaces")
    try:
        kept = desk.say(incident.id, kind, by=by.strip(), text=text.strip())
    except SaidTooMuch as error:
        return _failed(400, "refused", str(error))
    except (StoreError, TimeoutError) as error:
        return _failed(503, "try_again", str(error) or "it was not stored in time")
    return json_answer(line(kept, deps.clock_s()))


def _failed(status: int, kind: str, why: str) -> Response:
    return json_answer(ErrorAnswer(Problem(kind, why)), status)
