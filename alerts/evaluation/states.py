"""An alert's life: pending, firing, inactive; step by step as the answers of its rule come.

Pure. An alert is its labels: two elements that get the same ones are an error. Semantics are those
of Prometheus 3: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from collector.promql.samples import Labels

State = Literal["pending", "firing", "inactive"]
RESOLVED_KEPT_MS: Final = 15 * 60_000
"""A resolved alert is told of again for so long, in case nobody heard."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An element of a rule's answer: its value, and the annotations expanded for it."""

    value: float
    annotations: Labels = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. Times are unix milliseconds; None: it has not come to that.

    missing_since_ms: since when it fires without an element, under keep_firing_for. sent_ms: when
    it was last handed to the notifier.
    """

    labels: Labels
    annotations: Labels
    value: float
    state: State
    active_ms: int
    fired_ms: int | None = None
    resolved_ms: int | None = None
    missing_since_ms: int | None = None
    sent_ms: int | None = None

    @property
    def is_active(self) -> bool:
        """Whether it is pending or fires."""
        return self.state != "inactive"


Alerts = Mapping[Labels, Alert]


def advance(
    before: Alerts,
    seen: Mapping[Labels, Seen],
    at_ms: int,
    *,
    hold_ms: int = 0,
    keep_firing_ms: int = 0,
) -> dict[Labels, Alert]:
    """Return the alerts after an evaluation that saw these elements."""
    after: dict[Labels, Alert] = {}
    for labels, element in seen.items():
        after[labels] = _fired(
            _continued(before.get(labels), labels, element, at_ms), at_ms, hold_ms
        )
    for labels, alert in before.items():
        if labels in seen:
            continue
        kept = _missed(alert, at_ms, keep_firing_ms)
        if kept is not None:
            after[labels] = kept
    return after


def _continued(known: Alert | None, labels: Labels, element: Seen, at_ms: int) -> Alert:
    """An alert that was inactive begins anew, with nothing of its former life."""
    if known is None or not known.is_active:
        return Alert(labels, element.annotations, element.value, "pending", at_ms)
    return replace(
        known, value=element.value, annotations=element.annotations, missing_since_ms=None
    )


def _fired(alert: Alert, at_ms: int, hold_ms: int) -> Alert:
    if alert.state == "pending" and at_ms - alert.active_ms >= hold_ms:
        return replace(alert, state="firing", fired_ms=at_ms)
    return alert


def _missed(alert: Alert, at_ms: int, keep_firing_ms: int) -> Alert | None:
    """Return an alert whose element is gone; None when there is nothing left to tell of it."""
    if alert.state == "firing" and keep_firing_ms > 0:
        since_ms = at_ms if alert.missing_since_ms is None else alert.missing_since_ms
        if at_ms - since_ms < keep_firing_ms:
            return replace(alert, missing_since_ms=since_ms)
        alert = replace(alert, missing_since_ms=since_ms)
    if alert.state == "pending":
        return None
    if alert.resolved_ms is not None and at_ms - alert.resolved_ms > RESOLVED_KEPT_MS:
        return None
    if alert.is_active:
        return replace(alert, state="inactive", resolved_ms=at_ms)
    return alert
