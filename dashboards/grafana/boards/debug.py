"""The debug board: why, down to one caller, one callee, one version and one route.

Waiting for data, and therefore absent: traces of failed requests (a trace data source), latency by
route (the duration histogram carries no route), proxy logs and filter metrics, open connections and
sockets, and telemetry ingestion lag and drops (the collector's own metrics).
"""

from typing import Final

from dashboards.grafana import queries
from dashboards.grafana.board import Board, Row, Variable
from dashboards.grafana.metrics import TLS_REQUESTS
from dashboards.grafana.panel import Column, Heatmap, Lines, Panel, Query, Table

_PAIR: Final = ('source=~"$source"', 'destination=~"$service"')
_VERSIONED: Final = (*_PAIR, 'version=~"$version"')
_CHOSEN: Final = (*_VERSIONED, 'route=~"$route"')
_BY_EDGE: Final = ("source", "destination", "version")
_BY_ROUTE: Final = ("destination", "route")

_LATENCY = Row(
    "Latency",
    (
        Panel(
            "Latency quantiles",
            "p50, p95 and p99 of the chosen requests together, all routes. Requests whose end was "
            "not seen are not in it.",
            "s",
            Lines(
                (
                    Query(queries.latency(0.5, where=_VERSIONED), "p50"),
                    Query(queries.latency(0.95, where=_VERSIONED), "p95"),
                    Query(queries.latency(0.99, where=_VERSIONED), "p99"),
                )
            ),
        ),
        Panel(
            "Latency distribution",
            "Requests per second in each latency bucket; a second band is a second population, "
            "such as a cache miss or a slow version.",
            "s",
            Heatmap(Query(queries.latency_buckets(where=_VERSIONED), "{{le}}")),
        ),
        Panel(
            "Edges by version",
            "Each caller, callee and version, slowest first.",
            "s",
            Table(
                _BY_EDGE,
                (
                    Column("Requests", queries.requests(by=_BY_EDGE, where=_VERSIONED), "reqps"),
                    Column(
                        "Error ratio",
                        queries.error_ratio(by=_BY_EDGE, where=_VERSIONED),
                        "percentunit",
                    ),
                    Column("p50", queries.latency(0.5, by=_BY_EDGE, where=_VERSIONED), "s"),
                    Column("p95", queries.latency(0.95, by=_BY_EDGE, where=_VERSIONED), "s"),
                    Column("p99", queries.latency(0.99, by=_BY_EDGE, where=_VERSIONED), "s"),
                ),
                sort_by="p99",
            ),
            width=24,
        ),
    ),
)

_ROUTES = Row(
    "Routes",
    (
        Panel(
            "Requests by route",
            "Requests per second on each route of the chosen services.",
            "reqps",
            Lines(
                (
                    Query(
                        queries.requests(by=_BY_ROUTE, where=_CHOSEN), "{{destination}} {{route}}"
                    ),
                ),
                stacked=True,
            ),
        ),
        Panel(
            "Error ratio by route",
            "Share of failed requests on each route.",
            "percentunit",
            Lines(
                (
                    Query(
                        queries.error_ratio(by=_BY_ROUTE, where=_CHOSEN),
                        "{{destination}} {{route}}",
                    ),
                )
            ),
            max_value=1,
        ),
    ),
)

_OUTCOMES = Row(
    "Outcomes",
    (
        Panel(
            "Requests by code",
            "Requests per second for each response code; 0 is no response.",
            "reqps",
            Lines(
                (Query(queries.requests(by=("code",), where=_CHOSEN), "{{code}}"),), stacked=True
            ),
            width=8,
        ),
        Panel(
            "Requests by response flag",
            "Requests per second that a proxy marked: RL rate limited, FI fault injected, DC the "
            "caller left, UC the connection broke, NR no route.",
            "reqps",
            Lines(
                (
                    Query(
                        queries.requests(by=("flags",), where=(*_CHOSEN, 'flags!="-"')),
                        "{{flags}}",
                    ),
                )
            ),
            width=8,
        ),
        Panel(
            "Requests by encryption",
            "Requests per second over mutual TLS, in plain text, and without reaching a service.",
            "reqps",
            Lines(
                (Query(queries.rate(TLS_REQUESTS, by=("mtls",), where=_PAIR), "{{mtls}}"),),
                stacked=True,
            ),
            width=8,
        ),
    ),
)

BOARD: Final = Board(
    uid="meshscope-debug",
    title="Mesh: debug",
    description="Latency, routes and outcomes of one caller, callee, version and route.",
    time_from="now-1h",
    variables=(
        Variable("service", "Service", "label_values(mesh_requests_total, destination)"),
        Variable(
            "source",
            "Caller",
            'label_values(mesh_requests_total{destination=~"$service"}, source)',
        ),
        Variable(
            "version",
            "Version",
            'label_values(mesh_requests_total{destination=~"$service"}, version)',
            all_value=".*",
        ),
        Variable(
            "route",
            "Route",
            'label_values(mesh_requests_total{destination=~"$service"}, route)',
            all_value=".*",
        ),
    ),
    rows=(_LATENCY, _ROUTES, _OUTCOMES),
)
