"""What becomes of the samples in each window: compiled loops over series and steps.

``low`` and ``high`` (series x steps) tell which samples of the flat columns lie in a window. Each
function returns series x steps; what it says of an empty window means nothing. Never allocates
more than its answer. Sums are compensated (Neumaier), as Prometheus 3 does.
https://prometheus.io/docs/prometheus/latest/querying/functions/
"""

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def bounds(offsets, times, after, until):
    """Find the samples with after < time <= until at each step; both ascend."""
    series, steps = len(offsets) - 1, len(until)
    low = np.empty((series, steps), np.int64)
    high = np.empty((series, steps), np.int64)
    for row in range(series):
        first = last = offsets[row]
        end = offsets[row + 1]
        for step in range(steps):
            while first < end and times[first] <= after[step]:
                first += 1
            while last < end and times[last] <= until[step]:
                last += 1
            low[row, step] = first
            high[row, step] = last
    return low, high


@njit(cache=True, nogil=True, error_model="numpy")
def _add(value, total, lost):
    new = total + value
    if math.isinf(new):
        return new, 0.0
    if abs(total) >= abs(value):
        return new, lost + ((total - new) + value)
    return new, lost + ((value - new) + total)


@njit(cache=True, nogil=True, error_model="numpy")
def sums(values, low, high):
    """Sum."""
    found = np.empty(low.shape)
    for row in range(low.shape[0]):
        for step in range(low.shape[1]):
            total = lost = 0.0
            for index in range(low[row, step], high[row, step]):
                total, lost = _add(values[index], total, lost)
            found[row, step] = total if math.isinf(total) else total + lost
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def means(values, low, high):
    """Mean: of the sum while that is finite, else from step to step."""
    found = np.empty(low.shape)
    for row in range(low.shape[0]):
        for step in range(low.shape[1]):
            found[row, step] = _mean(values, low[row, step], high[row, step])
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _mean(values, start, end):
    total = lost = 0.0
    for index in range(start, end):
        new, new_lost = _add(values[index], total, lost)
        if index > start and math.isinf(new):
            return _stepwise_mean(values, index, end, index - start, total, lost)
        total, lost = new, new_lost
    count = end - start
    return total / count + lost / count if count else math.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _stepwise_mean(values, index, end, seen, total, lost):
    mean, lost = total / seen, lost / seen
    for at in range(index, end):
        seen += 1
        share = (seen - 1) / seen
        mean, lost = _add(values[at] / seen, share * mean, share * lost)
    return mean + lost


@njit(cache=True, nogil=True, error_model="numpy")
def variances(values, low, high):
    """Population variance (Welford)."""
    found = np.empty(low.shape)
    for row in range(low.shape[0]):
        for step in range(low.shape[1]):
            count = mean = mean_lost = squares = squares_lost = 0.0
            for index in range(low[row, step], high[row, step]):
                count += 1
                gap = values[index] - (mean + mean_lost)
                mean, mean_lost = _add(gap / count, mean, mean_lost)
                rest = values[index] - (mean + mean_lost)
                squares, squares_lost = _add(gap * rest, squares, squares_lost)
            found[row, step] = (squares + squares_lost) / count if count else math.nan
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def extremes(values, low, high, sign):
    """Maximum (sign 1) or minimum (sign -1); NaN only if there is nothing else."""
    found = np.empty(low.shape)
    for row in range(low.shape[0]):
        for step in range(low.shape[1]):
            best = math.nan
            for index in range(low[row, step], high[row, step]):
                if sign * values[index] > sign * best or math.isnan(best):
                    best = values[index]
            found[row, step] = best
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def quantiles(values, low, high, q):
    """Quantile, interpolated; NaN sorts first. ``q`` has one number for each step."""
    found = np.empty(low.shape)
    for row in range(low.shape[0]):
        for step in range(low.shape[1]):
            start, end = low[row, step], high[row, step]
            wanted = q[step]
            if end == start or math.isnan(wanted):
                found[row, step] = math.nan
            elif wanted < 0:
                found[row, step] = -math.inf
            elif wanted > 1:
                found[row, step] = math.inf
            else:
                found[row, step] = _quantile(np.sort(values[start:end]), wanted)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _quantile(ordered, q):
    count = len(ordered)
    blank = 0  # numpy sorts NaN last
    while blank < count and math.isnan(ordered[count - 1 - blank]):
        blank += 1
    rank = q * (count - 1)
    lower = int(rank)
    upper = min(lower + 1, count - 1)
    weight = rank - math.floor(rank)
    left = ordered[lower - blank] if lower >= blank else math.nan
    right = ordered[upper - blank] if upper >= blank else math.nan
    return left * (1 - weight) + right * weight


@njit(cache=True, nogil=True, error_model="numpy")
def changes(values, low, high):
    """Count how often the value differs from the one before; NaN is NaN."""
    found = np.empty(low.shape)
    for row in range(low.shape[0]):
        for step in range(low.shape[1]):
            count = 0
            for index in range(low[row, step] + 1, high[row, step]):
                old, new = values[index - 1], values[index]
                if old != new and not (math.isnan(old) and math.isnan(new)):
                    count += 1
            found[row, step] = count
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def resets(values, low, high):
    """Count how often the value falls."""
    found = np.empty(low.shape)
    for row in range(low.shape[0]):
        for step in range(low.shape[1]):
            count = 0
            for index in range(low[row, step] + 1, high[row, step]):
                if values[index] < values[index - 1]:
                    count += 1
            found[row, step] = count
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def lines(values, times, low, high, at):
    """Fit a line (least squares): slope per second, and its height at the time ``at``.

    A negative ``at[step]`` minimum (int64) stands for the first sample's time.
    """
    slopes = np.empty(low.shape)
    heights = np.empty(low.shape)
    for row in range(low.shape[0]):
        for step in range(low.shape[1]):
            start, end = low[row, step], high[row, step]
            slope = height = math.nan
            if end > start:
                zero = times[start] if at[step] == np.iinfo(np.int64).min else at[step]
                slope, height = _line(values, times, start, end, zero)
            slopes[row, step] = slope
            heights[row, step] = height
    return slopes, heights


@njit(cache=True, nogil=True, error_model="numpy")
def _line(values, times, start, end, zero):
    n = x_sum = x_lost = y_sum = y_lost = xy_sum = xy_lost = xx_sum = xx_lost = 0.0
    is_constant = True
    for index in range(start, end):
        x, y = (times[index] - zero) / 1e3, values[index]
        is_constant = is_constant and y == values[start]
        n += 1
        x_sum, x_lost = _add(x, x_sum, x_lost)
        y_sum, y_lost = _add(y, y_sum, y_lost)
        xy_sum, xy_lost = _add(x * y, xy_sum, xy_lost)
        xx_sum, xx_lost = _add(x * x, xx_sum, xx_lost)
    if is_constant:
        return (math.nan, math.nan) if math.isinf(values[start]) else (0.0, values[start])
    x_sum, y_sum = x_sum + x_lost, y_sum + y_lost
    covariance = (xy_sum + xy_lost) - x_sum * y_sum / n
    variance = (xx_sum + xx_lost) - x_sum * x_sum / n
    slope = covariance / variance
    return slope, y_sum / n - slope * x_sum / n


@njit(cache=True, nogil=True, error_model="numpy")
def increases(values, times, low, high, after, until, is_counter, is_old):
    """Return the extrapolated increase; NaN for windows of fewer than two samples.

    ``reset`` is the first reset in a window, or how far there is none: both ends of the windows of
    a series ascend, so that a sample is looked at once as long as the counter is not reset.
    ``is_old``: Prometheus 2 bounds a counter's start by its zero before it looks whether the start
    of the window is near, Prometheus 3 after.
    """
    found = np.empty(low.shape)
    for row in range(low.shape[0]):
        reset = 0
        for step in range(low.shape[1]):
            start, end = low[row, step], high[row, step]
            if end - start < 2:
                found[row, step] = math.nan
                continue
            change = values[end - 1] - values[start]
            if is_counter:
                reset = max(reset, start + 1)
                while reset < end and not values[reset] < values[reset - 1]:
                    reset += 1
                for index in range(reset, end):
                    if values[index] < values[index - 1]:
                        change += values[index - 1]
            sampled = (times[end - 1] - times[start]) / 1e3
            average = sampled / (end - 1 - start)
            to_start = (times[start] - after[step]) / 1e3
            to_end = (until[step] - times[end - 1]) / 1e3
            is_far = to_start >= average * 1.1
            if is_far and not is_old:
                to_start = average / 2
            if is_counter and change > 0 and values[start] >= 0:
                to_start = min(to_start, sampled * (values[start] / change))
            if is_old and to_start >= average * 1.1:
                to_start = average / 2
            if to_end >= average * 1.1:
                to_end = average / 2
            found[row, step] = change * ((sampled + to_start + to_end) / sampled)
    return found
