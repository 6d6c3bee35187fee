"""Which alerts Alertmanager must hear of now, and until when it shall believe them.

Pure. https://prometheus.io/docs/alerting/latest/clients/
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from alerts.evaluation.states import Alert
from collector.promql.samples import Labels

RESEND_MS: Final = 60_000
_MISSES: Final = 4
"""An alert outlives so many intervals without news."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of an alert; it ends at ``ends_ms`` unless it is told of again."""

    labels: Labels
    annotations: Labels
    starts_ms: int
    ends_ms: int
    expr: str


def is_due(alert: Alert, at_ms: int, resend_ms: int = RESEND_MS) -> bool:
    """Tell whether an alert fires or has ended, and nobody was told of late."""
    if alert.state == "pending":
        return False
    if alert.sent_ms is None:
        return True
    if alert.resolved_ms is not None and alert.resolved_ms > alert.sent_ms:
        return True
    return alert.sent_ms + resend_ms < at_ms


def due(
    alerts: Iterable[Alert], at_ms: int, interval_ms: int, expr: str, resend_ms: int = RESEND_MS
) -> tuple[list[Notice], list[Alert]]:
    """Return what is to be told, and all alerts, those told of marked."""
    valid_ms = at_ms + _MISSES * max(interval_ms, resend_ms)
    notices: list[Notice] = []
    after: list[Alert] = []
    for alert in alerts:
        if not is_due(alert, at_ms, resend_ms):
            after.append(alert)
            continue
        ends_ms = valid_ms if alert.resolved_ms is None else alert.resolved_ms
        starts_ms = alert.active_ms if alert.fired_ms is None else alert.fired_ms
        notices.append(Notice(alert.labels, alert.annotations, starts_ms, ends_ms, expr))
        after.append(replace(alert, sent_ms=at_ms))
    return notices, after
