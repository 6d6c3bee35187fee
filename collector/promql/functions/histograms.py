"""The histogram_* functions: elements sent to ``classic`` or ``native``, as they are.

Never interpolates itself. Classic histograms are put together from series that differ in ``le``.
https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collector.promql import classic, native
from collector.promql.annotations import quoted
from collector.promql.evaluation import Evaluation, Numbers, Steps
from collector.promql.expressions import Call
from collector.promql.grids import concatenated, is_histogram, relabelled, rows, trimmed
from collector.promql.grids import natives as all_natives
from collector.promql.labelsets import metric_name
from collector.promql.native.text import number
from collector.promql.over_time import warn_quantiles
from collector.promql.reductions import tell
from collector.promql.samples import Grid, Labels
from collector.promql.streams import unnamed_blocks

PARTS: Final[dict[str, Callable[[native.Histogram], float]]] = {
    "histogram_avg": native.average,
    "histogram_count": lambda histogram: histogram.count,
    "histogram_stddev": native.deviation,
    "histogram_stdvar": native.variance,
    "histogram_sum": lambda histogram: histogram.sum,
}
_BOUND: Final = re.compile(
    r"[+-]?(inf|infinity|nan|0x[0-9a-f.p+-]+|[0-9.]+(e[+-]?\d+)?)", re.IGNORECASE
)
_LIFTED: Final = (
    "input to histogram_quantile needed to be fixed for monotonicity "
    "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)
_BOTH: Final = "vector contains a mix of classic and native histograms"

Native = Callable[[native.Histogram, int], tuple[float, native.Note | None]]
Classic = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], Labels], Numbers]


def parts(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Evaluate what each native histogram says by itself; floats are left out."""
    (operand,) = call.arguments
    part = PARTS[call.function]
    blocks = (_taken(block, part) for block in evaluation.blocks(operand, steps))
    return unnamed_blocks(evaluation, blocks, operand, steps)


def quantile(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Evaluate histogram_quantile."""
    wanted, operand = call.arguments
    q = evaluation.numbers(wanted, steps)
    warn_quantiles(evaluation, q)

    def of_classic(bounds: Any, counts: Any, present: Any, labels: Labels) -> Numbers:
        values, lifts = classic.quantile(bounds, counts, present, q)
        if lifts.is_lifted.any():
            lifted.setdefault(metric_name(labels), []).append(lifts)
        return values

    lifted: dict[str, list[classic.Lifts]] = {}
    whole = evaluation.whole(operand, steps)
    yield _computed(evaluation, whole, of_classic, lambda one, at: native.quantile(one, q[at]))
    for metric, all_lifts in lifted.items():
        evaluation.notes.inform(_LIFTED, metric=metric, detail=_extent(all_lifts, steps))


def _extent(lifts: list[classic.Lifts], steps: Steps) -> str:
    """Say which buckets were lifted, by how much, how often and when, as Prometheus does."""
    low, high, most = (
        np.array([getattr(one, part) for one in lifts]) for part in ("lowest", "highest", "most")
    )
    is_lifted = ~np.isnan(most)
    times = steps[is_lifted.any(axis=0)]
    first, last = (_moment(int(time)) for time in (times[0], times[-1]))
    return (
        f", from buckets {number(float(np.nanmin(low)))} to {number(float(np.nanmax(high)))}"
        f", with a max diff of {number(float(f'{np.nanmax(most):.2g}'))}"
        f", over {np.count_nonzero(is_lifted)} samples from {first} to {last}"
    )


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fraction(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Evaluate histogram_fraction."""
    lowest, highest, operand = call.arguments
    lower, upper = (evaluation.numbers(one, steps) for one in (lowest, highest))

    def of_classic(bounds: Any, counts: Any, present: Any, _labels: Labels) -> Numbers:
        return classic.fraction(bounds, counts, present, lower, upper)

    def of_native(one: native.Histogram, at: int) -> tuple[float, native.Note | None]:
        return native.fraction(one, lower[at], upper[at])

    yield _computed(evaluation, evaluation.whole(operand, steps), of_classic, of_native)


def _taken(block: Grid, part: Callable[[native.Histogram], float]) -> Grid:
    places = is_histogram(block)
    values = np.full(block.values.shape, np.nan)
    if block.histograms is not None:
        values[places] = [part(one) for one in block.histograms[places]]
    return replace(block, values=values, present=places, histograms=None)


def _computed(evaluation: Evaluation, whole: Grid, of_classic: Classic, of_native: Native) -> Grid:
    natives = is_histogram(whole)
    groups = _bucket_groups(evaluation, whole, natives)
    native_rows: dict[Labels, int] = {
        whole.labels[row]: row for row in np.flatnonzero(np.any(natives, axis=1)).tolist()
    }
    is_classic = whole.present & ~natives
    found = []
    for key, (members, bounds) in groups.items():
        evaluation.options.check()
        present = is_classic[members]
        taken = np.any(present, axis=0)
        if key in native_rows:
            crossed = taken & natives[native_rows[key]]
            if crossed.any():
                evaluation.notes.warn(_BOTH, metric=metric_name(key))
                natives[native_rows[key], crossed] = False
                taken &= ~crossed
        values = of_classic(np.array(bounds), whole.values[members], present, key)
        found.append(Grid([key], whole.steps_ms, values[None, :], taken[None, :]))
    found.append(_of_natives(evaluation, whole, natives, of_native))
    joined = trimmed(concatenated(found, whole.steps_ms))
    return relabelled(joined, map(evaluation.nameless, joined.labels))


def _bucket_groups(
    evaluation: Evaluation, whole: Grid, natives: NDArray[np.bool_]
) -> dict[Labels, tuple[list[int], list[float]]]:
    """Put the rows with floats together that differ only in their bound."""
    groups: dict[Labels, tuple[list[int], list[float]]] = {}
    for row in np.flatnonzero((whole.present & ~natives).any(axis=1)).tolist():
        labels = whole.labels[row]
        text = dict(labels).get("le", "")
        if not _BOUND.fullmatch(text):
            evaluation.notes.warn(
                f'bucket label "le" is missing or has a malformed value of {quoted(text)}',
                metric=metric_name(labels),
            )
            continue
        members, bounds = groups.setdefault(
            tuple(pair for pair in labels if pair[0] != "le"), ([], [])
        )
        members.append(row)
        bounds.append(float.fromhex(text) if "x" in text.lower() else float(text))
    return groups


def _of_natives(
    evaluation: Evaluation, whole: Grid, natives: NDArray[np.bool_], of_native: Native
) -> Grid:
    values = np.full(whole.values.shape, np.nan)
    histograms = all_natives(whole)
    for row, step in np.argwhere(natives).tolist():
        values[row, step], note = of_native(histograms[row, step], step)
        if note is not None:
            tell(evaluation, frozenset({note}), labels=whole.labels[row], operation="")
    return rows(Grid(whole.labels, whole.steps_ms, values, natives), np.any(natives, axis=1))
