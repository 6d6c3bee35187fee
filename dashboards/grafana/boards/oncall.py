"""The on-call board: what broke, where, and since when.

Waiting for a metric, and therefore absent: control plane health and leader election (xDS pushes,
rejected updates, leader), proxy CPU, memory and restarts (from the agent beside each proxy), and
deployment events (until then, traffic by version shows a rollout as it happens).
"""

from typing import Final

from alerts.mesh.telemetry import SILENT_S
from dashboards.grafana import queries
from dashboards.grafana.board import Board, Row, Variable
from dashboards.grafana.metrics import RETRIES
from dashboards.grafana.panel import Bars, Column, Lines, Panel, Query, Stat, Table

_SERVICE: Final = ('destination=~"$service"',)
_BY_SERVICE: Final = ("destination",)
_BY_EDGE: Final = ("source", "destination")
_EDGE: Final = "{{source}} > {{destination}}"
_SILENT_AFTER_SECONDS: Final = float(SILENT_S)

_TRIAGE = Row(
    "What is failing",
    (
        Panel(
            "Top failing services",
            "The ten services with the largest share of failed requests: a code from 500 up, or "
            "no response.",
            "percentunit",
            Bars(
                Query(
                    f"topk(10, {queries.error_ratio(by=_BY_SERVICE, where=_SERVICE)} > 0)",
                    "{{destination}}",
                )
            ),
            width=8,
            max_value=1,
        ),
        Panel(
            "Failed requests by code and response flag",
            "Failed requests per second. Code 0 is no response; flags are Envoy's: UO circuit "
            "breaker, UF connection failed, UH no healthy host, UT timeout, URX retries used up.",
            "reqps",
            Lines(
                (
                    Query(
                        queries.requests(by=("code", "flags"), where=(*_SERVICE, queries.FAILED)),
                        "{{code}} {{flags}}",
                    ),
                ),
                stacked=True,
            ),
            width=16,
        ),
        Panel(
            "Failing edges",
            "Who calls whom, worst first.",
            "reqps",
            Table(
                _BY_EDGE,
                (
                    Column("Requests", queries.requests(by=_BY_EDGE, where=_SERVICE), "reqps"),
                    Column("Failed", queries.errors(by=_BY_EDGE, where=_SERVICE), "reqps"),
                    Column(
                        "Error ratio",
                        queries.error_ratio(by=_BY_EDGE, where=_SERVICE),
                        "percentunit",
                    ),
                    Column("p95", queries.latency(0.95, by=_BY_EDGE, where=_SERVICE), "s"),
                ),
                sort_by="Error ratio",
            ),
        ),
        Panel(
            "Error budget burn rate",
            "1 spends the whole budget in one time window. A gap means no events.",
            "none",
            Lines(
                (Query(queries.burn_rate(where=('service=~"$service"',)), "{{service}} {{slo}}"),)
            ),
            thresholds=((1.0, "red"),),
        ),
    ),
)

_PRESSURE = Row(
    "Circuit breakers and retries",
    (
        Panel(
            "Circuit breaker events",
            "Requests per second that a caller's circuit breaker refused (response flag UO).",
            "reqps",
            Lines((Query(queries.flagged("UO", by=_BY_EDGE, where=_SERVICE), _EDGE),)),
            width=8,
        ),
        Panel(
            "Retries",
            "Second and later attempts per second.",
            "ops",
            Lines((Query(queries.rate(RETRIES, by=_BY_EDGE, where=_SERVICE), _EDGE),)),
            width=8,
        ),
        Panel(
            "Retries per request",
            "0.5 means that retries add half as much load again. A rising line beside rising "
            "errors is a retry storm.",
            "percentunit",
            Lines((Query(queries.retry_ratio(by=_BY_EDGE, where=_SERVICE), _EDGE),)),
            width=8,
        ),
    ),
)

_CHANGE = Row(
    "Rollouts and silence",
    (
        Panel(
            "Traffic by version",
            "Requests per second to each version: a new colour is a rollout or a canary.",
            "reqps",
            Lines(
                (
                    Query(
                        queries.requests(by=("destination", "version"), where=_SERVICE),
                        "{{destination}} {{version}}",
                    ),
                ),
                stacked=True,
            ),
        ),
        Panel(
            "Error ratio by version",
            "Share of failed requests at each version; compare with the traffic beside it.",
            "percentunit",
            Lines(
                (
                    Query(
                        queries.error_ratio(by=("destination", "version"), where=_SERVICE),
                        "{{destination}} {{version}}",
                    ),
                )
            ),
            max_value=1,
        ),
        Panel(
            "Proxies heard",
            "How many exporters have sent telemetry within the last minute.",
            "none",
            Stat(
                Query(
                    f"sum({queries.silence_seconds()} <= bool {_SILENT_AFTER_SECONDS:g})", "heard"
                )
            ),
            width=6,
            height=6,
        ),
        Panel(
            "Longest silence",
            "Seconds since each exporter was last heard, the ten quietest first. A silent proxy "
            "hides its requests.",
            "s",
            Bars(Query(f"topk(10, {queries.silence_seconds()})", "{{service}} {{instance}}")),
            width=18,
            height=6,
            thresholds=((_SILENT_AFTER_SECONDS, "red"),),
        ),
    ),
)

BOARD: Final = Board(
    uid="meshscope-oncall",
    title="Mesh: on-call",
    description="What is failing, how fast budgets burn, retries, rollouts and silent proxies.",
    time_from="now-1h",
    variables=(Variable("service", "Service", "label_values(mesh_requests_total, destination)"),),
    rows=(_TRIAGE, _PRESSURE, _CHANGE),
)
