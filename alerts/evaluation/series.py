"""What is written of a rule: its samples, and a stale marker for each series that ended.

Pure. https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/#inspecting-alerts-during-runtime
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.evaluation.states import Alert
from collector.promql.samples import STALE, Labels

ALERTS: Final = "ALERTS"
FOR_STATE: Final = "ALERTS_FOR_STATE"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series; STALE ends it."""

    labels: Labels
    at_ms: int
    value: float


def named(labels: Iterable[tuple[str, str]], **more: str) -> Labels:
    """Return labels with others set; an empty one is none."""
    merged = {**dict(labels), **more}
    return tuple(sorted((name, value) for name, value in merged.items() if value))


def for_state_labels(alert: Alert) -> Labels:
    """Return the series that tells since when an alert is active."""
    return named(alert.labels, __name__=FOR_STATE)


def alert_samples(alerts: Iterable[Alert], at_ms: int) -> list[Sample]:
    """Return the two samples of each active alert."""
    found: list[Sample] = []
    for alert in alerts:
        if alert.is_active:
            state = named(alert.labels, __name__=ALERTS, alertstate=alert.state)
            found.append(Sample(state, at_ms, 1.0))
            since_s = float(alert.active_ms // 1000)
            found.append(Sample(for_state_labels(alert), at_ms, since_s))
    return found


def ended(before: Iterable[Labels], now: Sequence[Sample], at_ms: int) -> list[Sample]:
    """Return stale markers for the series that are no longer written."""
    written = {sample.labels for sample in now}
    return [Sample(labels, at_ms, float(STALE)) for labels in before if labels not in written]
