"""Unit tests of generated rules, in promtool's format: they prove the rules with Prometheus itself.

Every alert is shown firing, with the labels and texts that it then has, and is gone later. An
outage from the first sample on makes every window's ratio 1, so that the expected value is known
without arithmetic of ours. Format:
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from alerts import names
from alerts.burnrate import not_counted_alert
from alerts.mesh.alert import STEP_S, MeshAlert
from alerts.rules import AlertingRule
from alerts.templates.expansion import Setting, expand
from slo.model import Slo

PER_MINUTE: Final = 6_000
OUTAGE_MINUTES: Final = 30
END_MINUTES: Final = 420
"""By then even the longest short window, of six hours, has no bad event left."""

Test = dict[str, Any]
Burns = tuple[Sequence[Slo], Sequence[AlertingRule]]
"""The objectives of one service, and their burn alerts."""


def objectives_test(
    rules_name: str, burns: Iterable[Burns], services: Iterable[MeshAlert], *, base_url: str
) -> Test:
    """Return the document on objectives of some services, and on services that say nothing."""
    tests = [
        test
        for slos, alerts in burns
        for test in (_outage(slos, alerts), _healthy(slos), _not_counted(slos[0], base_url))
    ]
    proofs = [_proven(alert, base_url) for alert in _each_once(services)]
    return _document(rules_name, "5m", [*tests, *proofs])


def mesh_test(rules_name: str, alerts: Iterable[MeshAlert], *, base_url: str) -> Test:
    """Return the document on the mesh: each alert over its own proof."""
    return _document(rules_name, "1m", [_proven(alert, base_url) for alert in alerts])


def _document(rules_name: str, interval: str, tests: list[Test]) -> Test:
    return {"rule_files": [rules_name], "evaluation_interval": interval, "tests": tests}


def _outage(slos: Sequence[Slo], alerts: Iterable[AlertingRule]) -> Test:
    """Return the test that a full outage fires every tier, and that all end when it is over."""
    well = END_MINUTES - OUTAGE_MINUTES - 1
    bad = f"0+{PER_MINUTE}x{OUTAGE_MINUTES} {PER_MINUTE * OUTAGE_MINUTES}x{well}"
    good = f"0x{OUTAGE_MINUTES} 0+{PER_MINUTE}x{well}"
    return {
        "name": f"{slos[0].service} is down: every tier of its objectives fires, and ends",
        "interval": "1m",
        "input_series": _events(slos, good, bad),
        "alert_rule_test": [
            {
                "eval_time": f"{OUTAGE_MINUTES}m",
                "alertname": names.ERROR_BUDGET_BURN,
                "exp_alerts": [_expected(alert, {}, 1.0) for alert in alerts],
            },
            {"eval_time": f"{END_MINUTES}m", "alertname": names.ERROR_BUDGET_BURN},
        ],
    }


def _healthy(slos: Sequence[Slo]) -> Test:
    """Return the test that a service at half its allowed errors fires nothing."""
    allowed = min(slo.objective.error_budget_ratio for slo in slos)
    bad = int(PER_MINUTE * allowed / Decimal(2))
    good = PER_MINUTE - bad
    return {
        "name": f"{slos[0].service} is well: half of the allowed errors fires nothing",
        "interval": "1m",
        "input_series": _events(slos, f"0+{good}x{OUTAGE_MINUTES}", f"0+{bad}x{OUTAGE_MINUTES}"),
        "alert_rule_test": [
            {"eval_time": f"{OUTAGE_MINUTES}m", "alertname": names.ERROR_BUDGET_BURN}
        ],
    }


def _not_counted(slo: Slo, base_url: str) -> Test:
    """Return the test that an objective that nobody counts is told of until somebody does."""
    alert = not_counted_alert(slo, base_url=base_url)
    return {
        "name": f"{slo.name} is not counted at first",
        "interval": "1m",
        "input_series": _events([slo], "_x25 0+60x20", "_x25 0x20"),
        "promql_expr_test": _one_of_many(alert, ("20m", "30m"), slo=slo.name),
    }


def _proven(alert: MeshAlert, base_url: str) -> Test:
    """Return the test that an alert fires over its own proof, and ends."""
    rule, proof = alert.rule(base_url), alert.proof
    test: Test = {
        "name": f"{alert.name} ({alert.severity}) fires and ends",
        "interval": f"{STEP_S}s",
        "input_series": _inputs(proof.series),
    }
    if alert.labels:
        checks = _one_of_many(rule, (proof.fires, proof.ends), **alert.labels)
        return test | {"promql_expr_test": checks}
    return test | {
        "alert_rule_test": [
            {
                "eval_time": proof.fires,
                "alertname": alert.name,
                "exp_alerts": [_expected(rule, proof.labels, proof.value)],
            },
            {"eval_time": proof.ends, "alertname": alert.name},
        ]
    }


def _each_once(alerts: Iterable[MeshAlert]) -> list[MeshAlert]:
    """Return one alert of each name: others differ by their service only."""
    found: dict[str, MeshAlert] = {}
    for alert in alerts:
        found.setdefault(alert.name, alert)
    return list(found.values())


def _one_of_many(rule: AlertingRule, times: tuple[str, str], **only: str) -> list[dict[str, Any]]:
    """Check that a rule fires at the first time and not at the second; others like it may fire."""
    state = {"alertname": rule.alert, "alertstate": "firing"}
    expr = names.selector("ALERTS", **state, **only)
    firing = {"labels": names.selector("ALERTS", **state, **rule.labels), "value": 1}
    return [
        {"expr": expr, "eval_time": at, "exp_samples": samples}
        for at, samples in zip(times, ([firing], []), strict=True)
    ]


def _expected(rule: AlertingRule, labels: Mapping[str, str], value: float) -> dict[str, Any]:
    """Return an alert as it fires. Its texts are filled in by our templates, and so compared."""
    setting = Setting(query=lambda _: (), at_ms=0)

    def filled(texts: Mapping[str, str]) -> dict[str, str]:
        return {
            name: expand(text, rule.alert, labels, value, setting) for name, text in texts.items()
        }

    told = {**labels, **filled(rule.labels)}
    texts = filled(rule.annotations)
    return {"exp_labels": told, "exp_annotations": texts}


def _events(slos: Iterable[Slo], good: str, bad: str) -> list[dict[str, str]]:
    return [
        entry
        for slo in slos
        for result, values in (("good", good), ("bad", bad))
        for entry in _inputs(
            {
                names.selector(
                    names.SLO_EVENTS, slo=slo.name, service=slo.service, result=result
                ): values
            }
        )
    ]


def _inputs(series: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]
