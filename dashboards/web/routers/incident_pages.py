"""/incidents: the list, open ones first; /incidents/{id}: one with cost, cause, alerts, timeline.

Templates over what ``/api/incidents`` answers too.
"""

from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from alerts.incidents.dossier import Dossier
from alerts.incidents.report import WORDS
from dashboards.web import answers
from dashboards.web.incidents import find, read_lines
from dashboards.web.routers.pages import page_frame
from dashboards.web.routers.parameters import AppDeps, Dossiers, Incidents, Range
from slo.evaluate import BUCKET_S

ROUTER: Final = APIRouter(include_in_schema=False)
AROUND_S: Final = 900
"""Links to the topology show so long before and after an incident."""


@ROUTER.get("/incidents")
def incidents_page(
    request: Request, deps: AppDeps, desk: Incidents, asked: Range, service: str | None = None
) -> Response:
    """Show every incident, or those of one service."""
    webhook = deps.webhook
    return answers.page(
        request,
        "incidents.html",
        **page_frame("/incidents", deps, asked),
        timeless=True,
        incidents=read_lines(desk, deps.clock_s(), service=service),
        service=service,
        takes=webhook is not None,
        has_token=webhook is not None and webhook.access.tokens is not None,
        base=str(request.base_url).rstrip("/"),
    )


@ROUTER.get("/incidents/{name}")
def incident_page(
    request: Request,
    deps: AppDeps,
    desk: Incidents,
    dossiers: Dossiers,
    asked: Range,
    name: str,
) -> Response:
    """Show one incident, by its name or that of one of its alerts."""
    found = dossiers.read(deps, desk, find(desk, name))
    now_s = deps.clock_s()
    return answers.page(
        request,
        "incident.html",
        **page_frame("/incidents", deps, asked),
        timeless=True,
        found=found,
        then=around(found, now_s),
        now_s=now_s,
        words=WORDS,
        takes=desk.is_open,
        known_slos={slo.name for slo in deps.slos},
    )


def around(found: Dossier, now_s: float) -> str:
    """Return the time of an incident, and some around it, as the query of another page."""
    to_s = now_s if found.incident.to_s is None else found.incident.to_s + AROUND_S
    from_s = int(found.began_s - AROUND_S) // BUCKET_S * BUCKET_S
    end_s = -int(-min(to_s, now_s) // BUCKET_S) * BUCKET_S
    return urlencode({"from": from_s, "to": max(end_s, from_s + BUCKET_S)})
