"""The functions, aggregations and operators of the naive evaluator, on plain lists of numbers."""

import calendar
import math
import operator
import re
import struct
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np

Samples = list[tuple[int, float]]
COMPARISONS = {"==", "!=", "<", ">", "<=", ">="}


class Window(NamedTuple):
    """Start and end of the range, the instant of evaluation, and which Prometheus to be like."""

    start: int
    end: int
    time: int
    is_left_closed: bool


def bits(value: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", value))[0]


OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "%": np.fmod, "^": np.power, "atan2": np.arctan2, "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip


def calculated(symbol: str, left: float, right: float) -> float:
    with np.errstate(all="ignore"):
        return float(OPERATORS[symbol](np.float64(left), np.float64(right)))


def values_of(samples: Samples) -> list[float]:
    return [value for _, value in samples]


def extrapolated(samples: Samples, window: Window, *, is_counter: bool, is_rate: bool):
    if len(samples) < 2:
        return None
    change = samples[-1][1] - samples[0][1]
    if is_counter:
        for (_, old), (_, new) in pairwise(samples):
            change += old if new < old else 0.0
    to_start = (samples[0][0] - window.start) / 1000
    to_end = (window.end - samples[-1][0]) / 1000
    sampled = (samples[-1][0] - samples[0][0]) / 1000
    average = sampled / (len(samples) - 1)
    to_zero = math.inf
    if is_counter and change > 0 and samples[0][1] >= 0:
        to_zero = sampled * (samples[0][1] / change)
    if window.is_left_closed:
        to_start = min(to_start, to_zero)
        to_start = to_start if to_start < average * 1.1 else average / 2
    else:
        to_start = to_start if to_start < average * 1.1 else average / 2
        to_start = min(to_start, to_zero)
    to_end = to_end if to_end < average * 1.1 else average / 2
    factor = (sampled + to_start + to_end) / sampled
    if is_rate:
        factor /= (window.end - window.start) / 1000
    return change * factor


def between_last(samples: Samples, window: Window, *, is_rate: bool):
    if len(samples) < 2:
        return None
    (early, old), (late, new) = samples[-2:]
    change = new if is_rate and new < old else new - old
    return change / ((late - early) / 1000) if is_rate else change


def regression(samples: Samples, origin: int) -> tuple[float, float]:
    first = samples[0][1]
    if all(value == first for value in values_of(samples)):
        return (math.nan, math.nan) if math.isinf(first) else (0.0, first)
    xs = [(time - origin) / 1000 for time, _ in samples]
    ys = values_of(samples)
    if not all(map(math.isfinite, ys)):
        return math.nan, math.nan
    x_mean, y_mean = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    covariance = math.fsum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    slope = covariance / math.fsum((x - x_mean) ** 2 for x in xs)
    return slope, y_mean - slope * x_mean


def deriv(samples: Samples, _window: Window):
    return regression(samples, samples[0][0])[0] if len(samples) > 1 else None


def predict_linear(samples: Samples, window: Window, seconds: float):
    if len(samples) < 2:
        return None
    slope, intercept = regression(samples, window.time)
    return slope * seconds + intercept


def total(values: list[float]) -> float:
    if all(map(math.isfinite, values)):
        try:
            return math.fsum(values)
        except OverflowError:
            pass
    with np.errstate(all="ignore"):
        return float(np.sum(values))


def mean(values: list[float]) -> float:
    found = total(values)
    if math.isinf(found) and all(map(math.isfinite, values)):
        return math.fsum(value / len(values) for value in values)
    return found / len(values)


def variance(values: list[float]) -> float:
    if not all(map(math.isfinite, values)):
        return math.nan
    centre = mean(values)
    with np.errstate(all="ignore"):
        return total([float(np.float64(value - centre) ** 2) for value in values]) / len(values)


def lowest(values: list[float]) -> float:
    return min((one for one in values if not math.isnan(one)), default=math.nan)


def highest(values: list[float]) -> float:
    return max((one for one in values if not math.isnan(one)), default=math.nan)


def quantile(q: float, values: list[float]) -> float:
    if math.isnan(q):
        return math.nan
    if q < 0 or q > 1:
        return math.copysign(math.inf, q)
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = q * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(len(ordered) - 1, low + 1)
    weight = rank - low
    return ordered[low] * (1 - weight) + ordered[high] * weight


def changes(samples: Samples, _window: Window) -> float:
    pairs = pairwise(values_of(samples))
    return float(
        sum(new != old and not (math.isnan(new) and math.isnan(old)) for old, new in pairs)
    )


def falls(samples: Samples, _window: Window) -> float:
    return float(sum(new < old for old, new in pairwise(values_of(samples))))


def _plain(change):
    return (lambda samples, _: change(values_of(samples))), 0


RANGE = {
    "rate": (lambda s, w: extrapolated(s, w, is_counter=True, is_rate=True), 0),
    "increase": (lambda s, w: extrapolated(s, w, is_counter=True, is_rate=False), 0),
    "delta": (lambda s, w: extrapolated(s, w, is_counter=False, is_rate=False), 0),
    "irate": (lambda s, w: between_last(s, w, is_rate=True), 0),
    "idelta": (lambda s, w: between_last(s, w, is_rate=False), 0),
    "deriv": (deriv, 0),
    "predict_linear": (predict_linear, 0),
    "changes": (changes, 0),
    "resets": (falls, 0),
    "sum_over_time": _plain(total),
    "avg_over_time": _plain(mean),
    "min_over_time": _plain(lowest),
    "max_over_time": _plain(highest),
    "count_over_time": _plain(lambda values: float(len(values))),
    "present_over_time": _plain(lambda _: 1.0),
    "last_over_time": _plain(lambda values: values[-1]),
    "stddev_over_time": _plain(lambda values: math.sqrt(variance(values))),
    "stdvar_over_time": _plain(variance),
    "quantile_over_time": (lambda s, _, q: quantile(q, values_of(s)), 1),
}


def _ufunc(change):
    def applied(value, *numbers):
        with np.errstate(all="ignore"):
            return float(change(np.float64(value), *numbers))

    return applied


def _rounded(value, nearest=1.0):
    inverse = np.float64(1.0) / np.float64(nearest)
    return np.floor(value * inverse + 0.5) / inverse


def _smaller(value, other):
    return -math.inf if -math.inf in (value, other) else float(np.minimum(value, other))


def _larger(value, other):
    return math.inf if math.inf in (value, other) else float(np.maximum(value, other))


def _moment(part):
    def applied(seconds: float) -> float:
        if not math.isfinite(seconds):
            return math.nan
        return float(part(datetime.fromtimestamp(int(seconds), UTC)))

    return applied


DATES = {
    "hour": _moment(lambda one: one.hour),
    "minute": _moment(lambda one: one.minute),
    "month": _moment(lambda one: one.month),
    "year": _moment(lambda one: one.year),
    "day_of_month": _moment(lambda one: one.day),
    "day_of_week": _moment(lambda one: one.isoweekday() % 7),
    "day_of_year": _moment(lambda one: one.timetuple().tm_yday),
    "days_in_month": _moment(lambda one: calendar.monthrange(one.year, one.month)[1]),
}

EACH = {
    **DATES,
    "abs": _ufunc(np.abs), "ceil": _ufunc(np.ceil), "floor": _ufunc(np.floor),
    "exp": _ufunc(np.exp), "sqrt": _ufunc(np.sqrt), "ln": _ufunc(np.log),
    "log2": _ufunc(np.log2), "log10": _ufunc(np.log10), "sgn": _ufunc(np.sign),
    "sin": _ufunc(np.sin), "cos": _ufunc(np.cos), "tan": _ufunc(np.tan),
    "asin": _ufunc(np.arcsin), "acos": _ufunc(np.arccos), "atan": _ufunc(np.arctan),
    "sinh": _ufunc(np.sinh), "cosh": _ufunc(np.cosh), "tanh": _ufunc(np.tanh),
    "asinh": _ufunc(np.arcsinh), "acosh": _ufunc(np.arccosh), "atanh": _ufunc(np.arctanh),
    "deg": _ufunc(np.degrees), "rad": _ufunc(np.radians), "round": _ufunc(_rounded),
    "clamp": lambda value, low, high: _larger(_smaller(value, high), low),
    "clamp_min": _larger,
    "clamp_max": _smaller,
}  # fmt: skip

AGGREGATIONS = {
    "sum": lambda values, _: total(values),
    "avg": lambda values, _: mean(values),
    "min": lambda values, _: lowest(values),
    "max": lambda values, _: highest(values),
    "count": lambda values, _: float(len(values)),
    "count_values": lambda values, _: float(len(values)),
    "group": lambda _values, _: 1.0,
    "stddev": lambda values, _: math.sqrt(variance(values)),
    "stdvar": lambda values, _: variance(values),
    "quantile": lambda values, q: quantile(q, values),
}


def extremes(members, k: float, *, is_top: bool):
    count = int(k) if k >= 1 else 0
    sign = -1 if is_top else 1
    ordered = sorted(members, key=lambda one: (math.isnan(one[1]), sign * one[1]))
    return ordered[:count]


def with_label(labels, name: str, value: str):
    held = {**dict(labels), name: value}
    return tuple(sorted((key, one) for key, one in held.items() if one))


def replaced(labels, target: str, replacement: str, source: str, pattern: str):
    found = re.fullmatch(pattern, dict(labels).get(source, ""))
    if found is None:
        return labels
    named = re.sub(r"\$(\d+)", lambda one: found[int(one[1])] or "", replacement)
    return with_label(labels, target, named)


def joined(labels, target: str, separator: str, *sources: str):
    values = dict(labels)
    return with_label(labels, target, separator.join(values.get(one, "") for one in sources))


def shown(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")


def classic_quantiles(q: float, vector):
    groups = defaultdict(dict)
    for labels, value in vector:
        values = dict(labels)
        bound = values.pop("le", None)
        values.pop("__name__", None)
        if bound is not None:
            group = groups[tuple(sorted(values.items()))]
            group[float(bound)] = group.get(float(bound), 0.0) + value
    return [(labels, classic_quantile(q, group)) for labels, group in groups.items()]


def classic_quantile(q: float, group: dict[float, float]) -> float:
    if math.isnan(q):
        return math.nan
    if q < 0 or q > 1:
        return math.copysign(math.inf, q)
    bounds = sorted(group)
    counts = [group[bounds[0]]]
    for bound in bounds[1:]:
        new, old = group[bound], counts[-1]
        is_near = abs(new - old) < 1e-12 * (abs(new) + abs(old))
        counts.append(old if is_near or new < old else new)
    if bounds[-1] != math.inf or len(bounds) < 2 or counts[-1] == 0:
        return math.nan
    rank = q * counts[-1]
    place = next((i for i, count in enumerate(counts[:-1]) if count >= rank), len(counts) - 1)
    if place == len(counts) - 1:
        return bounds[-2]
    if place == 0 and bounds[0] <= 0:
        return bounds[0]
    start, under = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    with np.errstate(all="ignore"):
        part = np.float64(rank - under) / np.float64(counts[place] - under)
        return float(start + (bounds[place] - start) * part)
