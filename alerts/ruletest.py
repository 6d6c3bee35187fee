"""Unit tests of generated rules, in promtool's format: they prove the rules with Prometheus itself.

An outage from the first sample on makes every window's ratio 1, so that the expected value is known
without arithmetic of ours. Format:
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from alerts import names
from alerts.burnrate import burn_alerts
from alerts.rules import AlertingRule
from slo.burnrate import Tier
from slo.latency import le_label, threshold_bound_us
from slo.model import LatencySli, Slo, edges_of

PER_MINUTE: Final = 6_000
MINUTES: Final = 30


def outage_test(slos: Sequence[Slo], tiers: Sequence[Tier], *, base_url: str) -> dict[str, Any]:
    """Return the test that a full outage of one service fires every tier of its objectives."""
    service = destination(slos[0])
    alerts = [alert for slo in slos for alert in burn_alerts(slo, tiers, base_url=base_url)]
    return _test(
        f"{service} is down: every tier of its objectives fires",
        [_requests(service, "503", PER_MINUTE), *_quick(slos, 0)],
        [_expected(alert) for alert in alerts],
    )


def healthy_test(slos: Sequence[Slo]) -> dict[str, Any]:
    """Return the test that a service at half its allowed errors fires nothing."""
    service = destination(slos[0])
    allowed = min(slo.objective.error_budget_ratio for slo in slos)
    bad = int(PER_MINUTE * allowed / Decimal(2))
    return _test(
        f"{service} is well: half of the allowed errors fires nothing",
        [
            _requests(service, "200", PER_MINUTE - bad),
            _requests(service, "503", bad),
            *_quick(slos, PER_MINUTE - bad),
        ],
        [],
    )


def test_document(
    rules_name: str, by_service: Sequence[Sequence[Slo]], tiers: Sequence[Tier], *, base_url: str
) -> dict[str, Any]:
    """Return the document: an outage and a healthy spell for each service given."""
    tests = [
        test
        for slos in by_service
        for test in (outage_test(slos, tiers, base_url=base_url), healthy_test(slos))
    ]
    return {"rule_files": [rules_name], "evaluation_interval": "1m", "tests": tests}


def destination(slo: Slo) -> str:
    """Return the service that a tested objective is about; only those about requests are tested."""
    edges = edges_of(slo.sli)
    return slo.service if edges is None else edges.destination


def _test(
    name: str, series: list[dict[str, str]], expected: list[dict[str, Any]]
) -> dict[str, Any]:
    check = {
        "eval_time": f"{MINUTES}m",
        "alertname": names.ERROR_BUDGET_BURN,
        "exp_alerts": expected,
    }
    return {"name": name, "interval": "1m", "input_series": series, "alert_rule_test": [check]}


def _requests(service: str, code: str, per_minute: int) -> dict[str, str]:
    labels = {"source": "external", "version": "v1", "route": "all", "flags": "-"}
    chosen = names.selector(names.REQUESTS, destination=service, code=code, **labels)
    return {"series": chosen, "values": f"0+{per_minute}x{MINUTES}"}


def _quick(slos: Sequence[Slo], per_minute: int) -> list[dict[str, str]]:
    bounds = {
        threshold_bound_us(slo.sli.threshold_ms) for slo in slos if isinstance(slo.sli, LatencySli)
    }
    return [
        {
            "series": names.selector(
                names.DURATION_BUCKET,
                destination=destination(slos[0]),
                source="external",
                version="v1",
                route="all",
                result="ok",
                le=le_label(bound),
            ),
            "values": f"0+{per_minute}x{MINUTES}",
        }
        for bound in sorted(bounds)
    ]


def _expected(alert: AlertingRule) -> dict[str, Any]:
    annotations = {
        name: text.replace("{{ $value | humanizePercentage }}", "100%")
        for name, text in alert.annotations.items()
    }
    return {"exp_labels": dict(alert.labels), "exp_annotations": annotations}
