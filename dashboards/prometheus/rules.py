"""/api/v1/rules and alerts: the rules that are evaluated here, their health and their alerts.

When none are evaluated, the groups that are generated of the objectives are listed with an unknown
health: Prometheus evaluates them, and Grafana wants the expressions. Never writes a rule.
https://prometheus.io/docs/prometheus/latest/querying/api/#rules
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi import Request, Response

from alerts.evaluation.definitions import Alerting
from alerts.evaluation.groups import GroupState, RuleState, begin
from alerts.evaluation.states import Alert
from alerts.notify.payload import rfc3339
from alerts.templates.printing import exponent_text
from collector.promql.errors import BadQuery
from dashboards.evaluation import generated_groups
from dashboards.prometheus.backend import Backend
from dashboards.prometheus.parameters import Parameters
from dashboards.prometheus.replies import success
from dashboards.prometheus.routing import answering, router

ROUTER: Final = router()
_NEVER: Final = "0001-01-01T00:00:00Z"
_BASE_URL: Final = "http://127.0.0.1:8428"
_TYPES: Final = {
    "": ("recording", "alerting"),
    "alert": ("alerting",),
    "record": ("recording",),
}


@ROUTER.get("/rules")
@answering
async def rules(request: Request, backend: Backend, asked: Parameters) -> Response:
    """List the groups; ``type``, ``rule_name[]``, ``rule_group[]`` and ``file[]`` narrow them."""
    if asked.text("type") not in _TYPES:
        raise BadQuery(f'not supported value "{asked.text("type")}"')
    groups = _states(request, backend)
    return success({"groups": list(_told(groups, asked))})


@ROUTER.get("/alerts")
@answering
async def alerts(request: Request, backend: Backend, asked: Parameters) -> Response:
    """List the alerts that are pending or fire."""
    del asked
    found = [
        alert
        for group in _states(request, backend)
        for rule in group.rules
        for alert in _active(rule)
    ]
    return success({"alerts": found})


def _states(request: Request, backend: Backend) -> Sequence[GroupState]:
    evaluator = request.app.state.deps.evaluator
    if evaluator is not None:
        found: tuple[GroupState, ...] = evaluator.groups()
        return found
    return [begin(group) for group in generated_groups(backend.slos, _BASE_URL)]


def _told(groups: Sequence[GroupState], asked: Parameters) -> Iterator[dict[str, Any]]:
    wanted = {name: asked.values.get(name, ()) for name in ("rule_name[]", "rule_group[]")}
    files = asked.values.get("file[]", ())
    for state in groups:
        group = state.group
        if (files and group.file not in files) or (
            wanted["rule_group[]"] and group.name not in wanted["rule_group[]"]
        ):
            continue
        found = [
            told
            for told in map(_rule, state.rules)
            if told["type"] in _TYPES[asked.text("type")]
            and (not wanted["rule_name[]"] or told["name"] in wanted["rule_name[]"])
        ]
        if found:
            yield {
                "name": group.name,
                "file": group.file,
                "rules": found,
                "interval": group.interval_ms / 1000,
                "limit": group.limit,
                "evaluationTime": state.seconds,
                "lastEvaluation": _time(state.evaluated_ms),
            }


def _rule(state: RuleState) -> dict[str, Any]:
    rule = state.rule
    common = {
        "query": rule.expr,
        "labels": dict(rule.labels),
        "health": state.health,
        "evaluationTime": state.seconds,
        "lastEvaluation": _time(state.evaluated_ms),
        **({"lastError": state.last_error} if state.last_error else {}),
    }
    if isinstance(rule, Alerting):
        return {
            "state": state.state,
            "name": rule.alert,
            "duration": rule.hold_ms / 1000,
            "keepFiringFor": rule.keep_firing_ms / 1000,
            "annotations": dict(rule.annotations),
            "alerts": _active(state),
            "type": "alerting",
            **common,
        }
    return {"name": rule.record, "type": "recording", **common}


def _active(state: RuleState) -> list[dict[str, Any]]:
    return [_alert(alert) for alert in state.alerts if alert.is_active]


def _alert(alert: Alert) -> dict[str, Any]:
    since_ms = alert.missing_since_ms
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "activeAt": rfc3339(alert.active_ms),
        **({} if since_ms is None else {"keepFiringSince": rfc3339(since_ms)}),
        "value": exponent_text(alert.value),
    }


def _time(at_ms: int | None) -> str:
    return _NEVER if at_ms is None else rfc3339(at_ms)
