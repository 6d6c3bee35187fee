"""Every function of PromQL by its name.

Never computes; a function that is missing here is experimental in Prometheus, or new.
https://prometheus.io/docs/prometheus/latest/querying/functions/
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from collector.promql import over_time, rates
from collector.promql.errors import BadQuery
from collector.promql.evaluation import Evaluation, Numbers, Steps
from collector.promql.expressions import Call
from collector.promql.functions import elements, histograms, labels, presence
from collector.promql.kernels import windows as kernels
from collector.promql.reductions import Reduction, reduced
from collector.promql.samples import Grid

_REDUCTIONS: Final[dict[str, Reduction]] = {
    "avg_over_time": over_time.means,
    "changes": rates.changes,
    "count_over_time": over_time.counts,
    "delta": partial(rates.extrapolated, is_counter=False, is_rate=False),
    "deriv": rates.derivative,
    "idelta": partial(rates.last_two, is_rate=False),
    "increase": partial(rates.extrapolated, is_counter=True, is_rate=False),
    "irate": partial(rates.last_two, is_rate=True),
    "last_over_time": over_time.latest,
    "max_over_time": partial(over_time.floats, kernel=over_time.largest),
    "min_over_time": partial(over_time.floats, kernel=over_time.smallest),
    "present_over_time": over_time.presences,
    "rate": partial(rates.extrapolated, is_counter=True, is_rate=True),
    "resets": rates.resets,
    "stddev_over_time": partial(over_time.floats, kernel=over_time.deviations),
    "stdvar_over_time": partial(over_time.floats, kernel=kernels.variances),
    "sum_over_time": over_time.sums,
}
_NAMED: Final = frozenset({"last_over_time"})
"""What keeps the metric's name, as it gives samples back as they are."""

_VECTORS: Final[dict[str, Callable[[Evaluation, Call, Steps], Iterator[Grid]]]] = {
    "absent": presence.absent,
    "absent_over_time": presence.absent_over_time,
    "clamp": elements.clamped,
    "histogram_fraction": histograms.fraction,
    "histogram_quantile": histograms.quantile,
    "label_join": labels.label_join,
    "label_replace": labels.label_replace,
    "sort": presence.ordered,
    "sort_desc": presence.ordered,
    "timestamp": presence.timestamp,
    "vector": presence.vector,
    **dict.fromkeys(elements.FUNCTIONS, elements.mapped),
    **dict.fromkeys(elements.DATES, elements.dated),
    **dict.fromkeys(histograms.PARTS, histograms.parts),
}
_SCALARS: Final[dict[str, Callable[[Evaluation, Call, Steps], Numbers]]] = {
    "pi": presence.pi,
    "scalar": presence.scalar,
    "time": presence.time,
}


def vectors(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Evaluate a function that gives a vector."""
    name = call.function
    if name in _REDUCTIONS:
        keeps_name = name in _NAMED
        return reduced(evaluation, call, steps, _REDUCTIONS[name], keeps_name=keeps_name)
    if name == "quantile_over_time":
        q = evaluation.numbers(call.arguments[0], steps)
        return reduced(evaluation, call, steps, partial(over_time.quantiles, q=q))
    if name == "predict_linear":
        ahead_s = evaluation.numbers(call.arguments[1], steps)
        predict = partial(rates.prediction, steps=steps, ahead_s=ahead_s)
        return reduced(evaluation, call, steps, predict)
    if name not in _VECTORS:
        raise BadQuery(f"function {name!r} is experimental and not enabled")
    return _VECTORS[name](evaluation, call, steps)


def scalars(evaluation: Evaluation, call: Call, steps: Steps) -> Numbers:
    """Evaluate a function that gives a scalar."""
    if call.function not in _SCALARS:
        raise BadQuery(f"unknown function with name {call.function!r}")
    return _SCALARS[call.function](evaluation, call, steps)
