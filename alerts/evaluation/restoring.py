"""How long alerts were pending before a restart, out of what was written of them.

Only rules that hold at least the grace period are restored; the others need not wait longer than
they would anyway. Pure. https://prometheus.io/docs/prometheus/latest/command-line/prometheus/
(``--rules.alert.for-outage-tolerance``, ``--rules.alert.for-grace-period``)
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from alerts.evaluation.definitions import Alerting
from alerts.evaluation.series import FOR_STATE, for_state_labels
from alerts.evaluation.states import Alert, Alerts
from collector.promql.samples import Labels, Matcher, Source, is_stale

TOLERANCE_MS: Final = 3_600_000
"""An outage longer than this is a new beginning."""
GRACE_MS: Final = 600_000
"""How long an alert is pending after a restart at the least."""


def last_states(rule: Alerting, source: Source, at_ms: int) -> dict[Labels, tuple[int, float]]:
    """Return the last ALERTS_FOR_STATE of a rule's alerts: time, and since when in seconds.

    Of what ended before the outage there is nothing.
    """
    matchers = (
        Matcher("__name__", "=", FOR_STATE),
        Matcher("alertname", "=", rule.alert),
    )
    found: dict[Labels, tuple[int, float]] = {}
    for block in source.select(matchers, at_ms - TOLERANCE_MS, at_ms):
        stale = is_stale(block.values)
        for row, labels in enumerate(block.labels):
            last = int(block.offsets[row + 1]) - 1
            if last >= int(block.offsets[row]) and not stale[last]:
                found[labels] = int(block.times_ms[last]), float(block.values[last])
    return found


def restored(
    rule: Alerting, alerts: Alerts, states: Mapping[Labels, tuple[int, float]], at_ms: int
) -> dict[Labels, Alert]:
    """Return the alerts with the time that they were pending before."""
    if rule.hold_ms < GRACE_MS:
        return dict(alerts)
    return {
        labels: _restored(alert, states.get(for_state_labels(alert)), rule.hold_ms, at_ms)
        for labels, alert in alerts.items()
    }


def _restored(alert: Alert, last: tuple[int, float] | None, hold_ms: int, at_ms: int) -> Alert:
    if last is None:
        return alert
    down_ms, active_ms = last[0], round(last[1]) * 1000
    remaining_ms = hold_ms - (down_ms // 1000 * 1000 - active_ms)
    if remaining_ms > 0 and remaining_ms < GRACE_MS:
        active_ms = at_ms + GRACE_MS - hold_ms
    elif remaining_ms > 0:
        active_ms += at_ms - down_ms // 1000 * 1000
    return replace(alert, active_ms=active_ms)
