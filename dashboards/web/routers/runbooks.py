"""/runbooks: what to do about an alert. The texts are those of ``alerts.runbooks``.

Raw HTML in a text is shown as text, never as markup.
"""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from markdown_it import MarkdownIt

from alerts.runbooks import UnknownRunbook, read_runbook, runbook_names
from dashboards.web import answers
from dashboards.web.deps import Deps
from dashboards.web.routers.parameters import AppDeps

ROUTER: Final = APIRouter(prefix="/runbooks", include_in_schema=False)

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


@ROUTER.get("")
def runbooks_page(request: Request, deps: AppDeps) -> Response:
    """List every runbook."""
    return _index(request, deps)


@ROUTER.get("/{name}")
def runbook_page(request: Request, deps: AppDeps, name: str) -> Response:
    """Show one runbook; 404 with those that there are."""
    try:
        runbook = read_runbook(name)
    except UnknownRunbook:
        return _index(request, deps, missing=name)
    text = rendered(runbook.markdown)
    return answers.page(request, "runbook.html", runbook=runbook, text=text, **_frame(deps))


def rendered(markdown: str) -> str:
    """Return CommonMark with tables as HTML that is safe to show: markup is escaped."""
    return str(_MARKDOWN.render(markdown))


def _index(request: Request, deps: Deps, *, missing: str | None = None) -> Response:
    runbooks = [read_runbook(name) for name in runbook_names()]
    status = 200 if missing is None else 404
    return answers.page(
        request, "runbooks.html", status, runbooks=runbooks, missing=missing, **_frame(deps)
    )


def _frame(deps: Deps) -> dict[str, Any]:
    """Return what base.html shows; a runbook has no time range."""
    return {"version": deps.version, "grafana_url": deps.grafana_url}
