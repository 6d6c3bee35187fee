"""Counters that only rise: a PromQL source whose series forget resets and never end.

Any sum of such series is a sum of what was counted, exactly: what a series counted before a restart
stays in it, and one that is gone keeps its last value. Each begins at 0 with its first sample, as
``increase`` of Prometheus has it. Never extrapolates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.expressions import (
    Aggregation,
    Binary,
    Call,
    Expression,
    Number,
    RangeSelector,
    Selector,
    kind,
)
from collector.promql.parser import parse
from collector.promql.samples import Matcher, Samples, Source, is_stale

LOOKBACK_MS: Final = 300_000
HELD_MS: Final = 2 * 86_400_000
"""How long the engine looks back for a value that is held: longer than any day that is read."""

_RATES: Final = ("increase", "rate", "irate", "delta", "idelta")
_RESETS_SUMMED: Final = ("+", "-", "or")


@dataclass(frozen=True, slots=True)
class Rising:
    """A Source over another, for an engine that looks back ``HELD_MS``."""

    inner: Source

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterator[Samples]:
        """Give the series that fit, with what each counted since its first sample."""
        begin = from_ms + HELD_MS - LOOKBACK_MS
        for block in self.inner.select(matchers, begin, to_ms):
            yield _rising(block)


def counted(text: str) -> Expression:
    """Read a query for counters: selectors summed, added, subtracted or joined by ``or``.

    ``increase`` and ``rate`` of a selector are the selector, for we take the increase ourselves,
    and so is a product with a number. Anything else is no count, and a ValueError.
    """
    return _counted(parse(text))


def _counted(expression: Expression) -> Expression:
    match expression:
        case Selector():
            return expression
        case Call(function=function, arguments=(RangeSelector(selector=selector),)) if (
            function in _RATES
        ):
            return selector
        case Aggregation(operator="sum", expression=inner):
            return replace(expression, expression=_counted(inner))
        case Call(function="vector", arguments=(Number(),)):
            return expression
        case Binary(operator=operator, left=left, right=right) if operator in _RESETS_SUMMED:
            if kind(left) == kind(right) == "vector":
                return replace(expression, left=_counted(left), right=_counted(right))
        case Binary(operator="*", left=left, right=Number()):
            return replace(expression, left=_counted(left))
        case Binary(operator="*", left=Number(), right=right):
            return replace(expression, right=_counted(right))
        case _:
            pass
    raise ValueError(
        "must be a sum of counters: selectors, increase or rate of them, sum, +, -, or; "
        "with counter: false any expression may be asked"
    )


def _rising(block: Samples) -> Samples:
    keep = ~(is_stale(block.values) | np.isnan(block.values))
    before = np.concatenate(([0], np.cumsum(keep)))
    offsets = before[block.offsets]
    values = block.values[keep]
    risen = np.concatenate([_risen(values[low:high]) for low, high in _spans(offsets)] or [values])
    return Samples(block.labels, offsets, block.times_ms[keep], risen)


def _spans(offsets: NDArray[np.int64]) -> list[tuple[int, int]]:
    return list(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))


def _risen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what was counted since the first sample; after a fall, the whole value is new."""
    if not len(values):
        return values
    steps = np.diff(values)
    steps = np.where(steps < 0, values[1:], steps)
    risen: NDArray[np.float64] = np.concatenate(([0.0], np.cumsum(steps)))
    return risen
