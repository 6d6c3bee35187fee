"""The executive board: is the mesh keeping its word, and what is at risk.

Waiting for a metric, and therefore absent: active incidents (a count by service), certificate
expiry (seconds left by workload), and burn by region or team (labels of that name on the SLO
series).
"""

from typing import Final

from dashboards.grafana import queries
from dashboards.grafana.board import Board, Row, Variable
from dashboards.grafana.panel import Column, Lines, Panel, Query, Stat, Table

_SERVICE: Final = ('destination=~"$service"',)
_SLO: Final = ('service=~"$service"',)
_BY_SERVICE: Final = ("destination",)
_BURNING: Final = ((1.0, "red"),)

_NOW = Row(
    "Now",
    (
        Panel(
            "Success rate",
            "Requests that did not fail, as a share of all requests to the chosen services. A "
            "request fails with a code from 500 up, or with no response. No data means no "
            "requests.",
            "percentunit",
            Stat(Query(queries.success_ratio(where=_SERVICE), "success")),
            width=6,
            height=5,
            max_value=1,
        ),
        Panel(
            "Requests",
            "Requests per second to the chosen services, each counted once.",
            "reqps",
            Stat(Query(queries.requests(where=_SERVICE), "requests")),
            width=6,
            height=5,
        ),
        Panel(
            "SLOs spending too fast",
            "How many SLOs burn their error budget faster than their time window allows: burn "
            "rate above 1.",
            "none",
            Stat(
                Query(
                    f"sum(({queries.burn_rate(where=_SLO)}) > bool 1)",
                    "SLOs",
                )
            ),
            width=6,
            height=5,
            thresholds=_BURNING,
        ),
        Panel(
            "Encrypted requests",
            "Share of requests that travelled over mutual TLS, of those that reached a service.",
            "percentunit",
            Stat(Query(queries.mtls_ratio(where=_SERVICE), "mTLS")),
            width=6,
            height=5,
            max_value=1,
        ),
    ),
)

_SERVICES = Row(
    "Services",
    (
        Panel(
            "Success rate by service",
            "Share of requests to each service that did not fail. A gap means no requests.",
            "percentunit",
            Lines(
                (Query(queries.success_ratio(by=_BY_SERVICE, where=_SERVICE), "{{destination}}"),)
            ),
            width=24,
            min_value=None,
            max_value=1,
        ),
        Panel(
            "Latency p95 by service",
            "95 of 100 requests ended sooner than this. Requests whose end was not seen are not "
            "in it.",
            "s",
            Lines(
                (Query(queries.latency(0.95, by=_BY_SERVICE, where=_SERVICE), "{{destination}}"),)
            ),
        ),
        Panel(
            "Latency p99 by service",
            "99 of 100 requests ended sooner than this. Requests whose end was not seen are not "
            "in it.",
            "s",
            Lines(
                (Query(queries.latency(0.99, by=_BY_SERVICE, where=_SERVICE), "{{destination}}"),)
            ),
        ),
    ),
)

_BUDGETS = Row(
    "Error budgets",
    (
        Panel(
            "Error budget burn rate",
            "1 spends the whole budget in one time window; above 1 it ends early. A gap means no "
            "events.",
            "none",
            Lines((Query(queries.burn_rate(where=_SLO), "{{service}} {{slo}}"),)),
            thresholds=_BURNING,
        ),
        Panel(
            "Error budget remaining",
            "What is left of each SLO's budget over its time window; below 0 it is overspent. "
            "Recorded every five minutes by the generated rules.",
            "percentunit",
            Lines((Query(queries.budget_remaining(where=_SLO), "{{service}} {{slo}}"),)),
            min_value=None,
            max_value=1,
        ),
        Panel(
            "Objectives",
            "Each SLO's target, the share of bad events now, the burn rate that follows, and the "
            "budget that is left.",
            "percentunit",
            Table(
                ("service", "slo"),
                (
                    Column("Target", queries.objective(where=_SLO), "percentunit"),
                    Column("Bad events", queries.slo_bad_ratio(where=_SLO), "percentunit"),
                    Column("Burn rate", queries.burn_rate(where=_SLO), "none"),
                    Column("Budget remaining", queries.budget_remaining(where=_SLO), "percentunit"),
                ),
                sort_by="Burn rate",
            ),
            width=24,
        ),
    ),
)

BOARD: Final = Board(
    uid="meshscope-executive",
    title="Mesh: executive",
    description="Availability, latency, error budgets and encryption of the whole mesh.",
    time_from="now-24h",
    variables=(Variable("service", "Service", "label_values(mesh_requests_total, destination)"),),
    rows=(_NOW, _SERVICES, _BUDGETS),
)
