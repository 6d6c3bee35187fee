"""Objectives to recording rules: counts of bad and of all events per window, for all SLOs at once.

Counts, never ratios: a ratio of recorded sums weighs every event the same, a mean of recorded
ratios weighs a quiet night like the rush hour. Without traffic the records are 0 and the ratio in
an alert is nothing, not NaN. What is read are the counters of objectives, which are there from 0
on: the first bad event of a new code counts too, which ``increase`` over requests would lose. It
still extrapolates to the window's edges; the exact integers are those of the server's SLO page.

Long windows are read in steps: a Prometheus that scrapes every 5 s would have to hold 50,000
samples of each counter to look three days back. A counter that is younger than two steps is read
as it is, or a new objective would have no budget for its first hours.
"""

from collections.abc import Iterable
from typing import Final

from alerts import names
from alerts.rules import RecordingRule
from slo.durations import format_duration
from slo.model import Slo

LONG_S: Final = 86_400
"""Windows from this on move slowly: they are read in steps, and less often."""
_PERIOD_S: Final = 7 * 86_400


def window_records(lengths_s: Iterable[int]) -> tuple[RecordingRule, ...]:
    """Return the counts of windows, the longest first: whoever keeps samples reads them once."""
    ordered = sorted(set(lengths_s), reverse=True)
    return tuple(rule for length_s in ordered for rule in _counts(length_s))


def objective_record() -> RecordingRule:
    """Return the rule that keeps the target of every objective."""
    return RecordingRule(names.OBJECTIVE, f"max by (slo, service) ({names.SLO_OBJECTIVE})")


def remaining_record(slo: Slo) -> RecordingRule:
    """Return the part of an objective's budget that is left: 1 untouched, below 0 overspent."""
    bad, total = (
        names.selector(metric, slo=slo.name, window=slo.window.duration)
        for metric in (names.BAD_EVENTS, names.TOTAL_EVENTS)
    )
    return RecordingRule(
        names.BUDGET_REMAINING,
        f"1 - {bad} / ({total} > 0) / {slo.objective.error_budget_ratio}",
        {names.SLO: slo.name, names.SERVICE: slo.service, names.WINDOW: slo.window.duration},
    )


def _counts(length_s: int) -> tuple[RecordingRule, RecordingRule]:
    labels = {names.WINDOW: format_duration(length_s)}
    bad = names.selector(names.SLO_EVENTS, result="bad")
    return (
        RecordingRule(names.BAD_EVENTS, _increase(bad, length_s), labels),
        RecordingRule(names.TOTAL_EVENTS, _increase(names.SLO_EVENTS, length_s), labels),
    )


def _increase(selector: str, length_s: int) -> str:
    window = format_duration(length_s)
    if length_s < LONG_S:
        return f"sum by (slo, service) (increase({selector}[{window}]))"
    step, young = ("5m", "10m") if length_s < _PERIOD_S else ("1h", "2h")
    stepped = f"increase({selector}[{window}:{step}])"
    return f"sum by (slo, service) ({stepped} or increase({selector}[{young}]))"
