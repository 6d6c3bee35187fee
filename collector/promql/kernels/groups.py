"""Series put into groups: compiled loops that add a block of series to what each group has.

Values and flags are series x steps, ``groups`` tells the group of each series, and totals are
groups x steps. They are changed in place, so that a stream of blocks needs no more memory than its
groups. Sums are compensated (Neumaier), as Prometheus 3 does.
https://prometheus.io/docs/prometheus/latest/querying/operators/#aggregation-operators
"""

import math

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def _add(value, total, lost):
    new = total + value
    if math.isinf(new):
        return new, 0.0
    if abs(total) >= abs(value):
        return new, lost + ((total - new) + value)
    return new, lost + ((value - new) + total)


@njit(cache=True, nogil=True, error_model="numpy")
def add_sums(values, present, groups, counts, totals, losts):
    """Add to sums."""
    for row in range(values.shape[0]):
        group = groups[row]
        for step in range(values.shape[1]):
            if present[row, step]:
                counts[group, step] += 1
                totals[group, step], losts[group, step] = _add(
                    values[row, step], totals[group, step], losts[group, step]
                )


@njit(cache=True, nogil=True, error_model="numpy")
def add_means(values, present, groups, counts, totals, losts, is_stepwise):
    """Add to sums while those are finite, else to means; ``is_stepwise`` tells which it is."""
    for row in range(values.shape[0]):
        group = groups[row]
        for step in range(values.shape[1]):
            if not present[row, step]:
                continue
            value, total, lost = values[row, step], totals[group, step], losts[group, step]
            counts[group, step] += 1
            count = counts[group, step]
            if not is_stepwise[group, step]:
                new, new_lost = _add(value, total, lost)
                if count == 1 or not math.isinf(new):
                    totals[group, step], losts[group, step] = new, new_lost
                    continue
                is_stepwise[group, step] = True
                total, lost = total / (count - 1), lost / (count - 1)
            share = (count - 1) / count
            totals[group, step], losts[group, step] = _add(
                value / count, share * total, share * lost
            )


@njit(cache=True, nogil=True, error_model="numpy")
def add_extremes(values, present, groups, counts, totals, sign):
    """Keep the largest (sign 1) or smallest (sign -1); NaN only if there is nothing else."""
    for row in range(values.shape[0]):
        group = groups[row]
        for step in range(values.shape[1]):
            if present[row, step]:
                value, best = values[row, step], totals[group, step]
                if not counts[group, step] or sign * value > sign * best or math.isnan(best):
                    totals[group, step] = value
                counts[group, step] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def add_squares(values, present, groups, counts, means, squares):
    """Add to means and to sums of squared distances from them (Welford)."""
    for row in range(values.shape[0]):
        group = groups[row]
        for step in range(values.shape[1]):
            if present[row, step]:
                counts[group, step] += 1
                gap = values[row, step] - means[group, step]
                means[group, step] += gap / counts[group, step]
                squares[group, step] += gap * (values[row, step] - means[group, step])


@njit(cache=True, nogil=True, error_model="numpy")
def add_counts(present, groups, counts):
    """Count the elements."""
    for row in range(present.shape[0]):
        group = groups[row]
        for step in range(present.shape[1]):
            counts[group, step] += present[row, step]
