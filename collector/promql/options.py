"""How a query is evaluated: its limits, its lookback, and who may stop it."""

from collections.abc import Callable
from dataclasses import dataclass


def _carry_on() -> None:
    """Stop nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """The defaults are Prometheus 3's.

    lookback_ms: how old the sample of an instant selector may be.
    max_samples: how many samples a query may hold or load at a time, as ``--query.max-samples``.
    is_left_closed: windows hold a sample at their left end and rates are extrapolated as in
        Prometheus 2, to compare with it.
    subquery_step_ms: the step of a subquery that names none; in Prometheus the interval at which
        rules are evaluated.
    is_name_removal_delayed: metric names are dropped when the query ends, so that functions and
        aggregations may still see them; the feature flag of the same name in Prometheus.
    skips_unneeded: where the right side of ``and`` has no element at all, the left one is not
        evaluated. What would be noted of it, or fail in it, is not told then.
    check: called between blocks of series and steps of work; raises QueryTimedOut or
        QueryCanceled to stop the query.
    """

    lookback_ms: int = 300_000
    max_samples: int = 50_000_000
    is_left_closed: bool = False
    subquery_step_ms: int = 60_000
    is_name_removal_delayed: bool = False
    skips_unneeded: bool = False
    check: Callable[[], None] = _carry_on
