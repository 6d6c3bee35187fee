"""Every query of every rendered dashboard, with Grafana's own variables filled in."""

from collections.abc import Iterator, Mapping
from typing import Any

from dashboards.grafana.board import document
from dashboards.grafana.catalog import BOARDS

RATE_INTERVAL = "$__rate_interval"


def dashboards() -> list[Mapping[str, Any]]:
    return [document(board) for board in BOARDS]


def panels() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield "uid: panel title" and the panel; row headings are left out."""
    for dashboard in dashboards():
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                yield f"{dashboard['uid']}: {panel['title']}", panel


def expressions() -> Iterator[tuple[str, str]]:
    """Yield the panel's name and each of its PromQL expressions as written."""
    for name, panel in panels():
        for target in panel["targets"]:
            yield name, target["expr"]


def filled(expr: str) -> str:
    """Replace what Grafana replaces, so that Prometheus' grammar can read the expression."""
    expr = expr.replace(RATE_INTERVAL, "1m")
    for name in ("service", "source", "version", "route"):
        expr = expr.replace(f"${name}", ".*")
    return expr
