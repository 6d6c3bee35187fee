"""The sample notation of Prometheus's test scripts: ``1 2+3x4 _x2 stale {{sum:3 count:1}}``.

https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

import re
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from collector.promql import native
from collector.promql.native import Histogram, ResetHint
from collector.promql.samples import STALE

_UNSIGNED = r"(?:[iI]nf|[nN]a[nN]|0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_NUMBER = rf"[+-]?{_UNSIGNED}"
_LITERAL = r"\{\{.*?\}\}"
_FLOATS = re.compile(rf"({_NUMBER})(?:([+-])({_UNSIGNED}))?(?:x(\d+))?$")
_NATIVES = re.compile(rf"({_LITERAL})(?:([+-])({_LITERAL}))?(?:x(\d+))?$")
_GAPS = re.compile(r"_(?:x(\d+))?$")
_TOKENS = re.compile(rf"(?:{_LITERAL}|\S)+")
_FIELD = re.compile(r"(\w+):(\[[^\]]*\]|\S+)")


class BadScript(ValueError):
    """The script is wrong, not the engine."""


@dataclass(frozen=True)
class Point:
    """``histogram`` is None for a float, ``is_missing`` where there is no sample."""

    value: float = 0.0
    histogram: Histogram | None = None
    is_missing: bool = False


def points(text: str) -> list[Point]:
    """Read a sequence of samples, one a step."""
    return [point for token in _TOKENS.findall(text) for point in _expanded(token)]


def _expanded(token: str) -> list[Point]:
    if token == "stale":
        return [Point(float(STALE))]
    if found := _GAPS.match(token):
        return [Point(is_missing=True)] * int(found[1] or 1)
    if found := _NATIVES.match(token):
        return _natives(*found.groups())
    if found := _FLOATS.match(token):
        first, sign, step, times = found.groups()
        change = number(step) * (-1 if sign == "-" else 1) if step else 0.0
        count = int(times) + 1 if times else 1
        return [Point(value) for value in _ramp(number(first), change, count)]
    raise BadScript(f"no sample: {token}")


def _ramp(first: float, change: float, count: int) -> list[float]:
    return list(accumulate([first] + [change] * (count - 1))) if change else [first] * count


def _natives(first: str, sign: str | None, step: str | None, times: str | None) -> list[Point]:
    values = [histogram(first)]
    for _ in range(int(times or 0)):
        values.append(_stepped(values[-1], sign, step))
    return [Point(histogram=value) for value in values]


def _stepped(value: Histogram, sign: str | None, step: str | None) -> Histogram:
    if step is None:
        return value
    change = histogram(step)
    return native.add(value, native.negate(change) if sign == "-" else change)[0]


def number(text: str) -> float:
    """Read a number as PromQL does."""
    return float(int(text, 16)) if "0x" in text.lower() else float(text)


def histogram(text: str) -> Histogram:
    """Read {{schema:1 sum:2 count:3 z_bucket:1 z_bucket_w:0.1 offset:2 buckets:[1 2]}}."""
    fields = dict(_FIELD.findall(text.strip("{}").replace(",", " ")))
    left = re.sub(_FIELD, "", text.strip("{}").replace(",", " ")).strip()
    if left:
        raise BadScript(f"no field of a histogram: {left!r} in {text}")
    take = lambda name: float(fields.pop(name, "0"))  # noqa: E731
    row = lambda name: [number(one) for one in fields.pop(name, "[]")[1:-1].split()]  # noqa: E731
    found = Histogram(
        count=take("count"),
        sum=take("sum"),
        schema=int(take("schema")),
        zero_threshold=take("z_bucket_w"),
        zero_count=take("z_bucket"),
        positive=native.side(int(take("offset")), row("buckets")),
        negative=native.side(int(take("n_offset")), row("n_buckets")),
        custom_values=tuple(row("custom_values")),
        hint=ResetHint(fields.pop("counter_reset_hint", "unknown")),
    )
    if fields:
        raise BadScript(f"no field of a histogram: {sorted(fields)} in {text}")
    return found


def is_near(left: float, right: float, tolerance: float = 1e-6) -> bool:
    """Compare as Prometheus's tests do: NaN is like NaN, else by relative difference."""
    if left == right or (np.isnan(left) and np.isnan(right)):
        return True
    gap, size = abs(left - right), abs(left) + abs(right)
    if left == 0 or right == 0 or size < np.finfo(float).tiny:
        return bool(gap < tolerance * np.finfo(float).tiny)
    return bool(gap / min(size, np.finfo(float).max) < tolerance)


def is_same(expected: Histogram, found: Histogram) -> bool:
    """Compare without empty buckets; the hint only where the expectation names one."""
    left, right = native.compacted(expected), native.compacted(found)
    pairs = [
        (left.count, right.count),
        (left.sum, right.sum),
        (left.zero_count, right.zero_count),
        (left.zero_threshold, right.zero_threshold),
    ]
    sides = ((left.positive, right.positive), (left.negative, right.negative))
    return (
        left.schema == right.schema
        and left.custom_values == right.custom_values
        and expected.hint in (ResetHint.UNKNOWN, found.hint)
        and all(np.array_equal(one.indices, other.indices) for one, other in sides)
        and all(is_near(*pair) for pair in pairs)
        and all(
            is_near(*pair)
            for one, other in sides
            for pair in zip(one.counts.tolist(), other.counts.tolist(), strict=True)
        )
    )
