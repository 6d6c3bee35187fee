"""Series in columns: what the engine reads from a source, and what it answers.

Never computes. Times are unix milliseconds, as everywhere in Prometheus. A stale marker is the NaN
of one bit pattern; ``is_stale`` tells it from an ordinary NaN, which is a value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Labels = tuple[tuple[str, str], ...]
"""Sorted by name, ``__name__`` among them, no empty values."""

STALE_BITS: Final = 0x7FF0000000000002
STALE: Final = np.array([STALE_BITS], np.uint64).view(np.float64)[0]

MatchOp = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition of a selector; expressions are RE2 and match the whole value."""

    name: str
    op: MatchOp
    value: str


@dataclass(frozen=True, slots=True)
class Samples:
    """n series one after another; those of series i lie in [offsets[i], offsets[i + 1]).

    labels: n. offsets: int64, n + 1. times_ms: int64, ascending and unique within a series.
    values: float64. histograms: None when no sample is a native histogram, else as long as values:
    ``collector.promql.native.Histogram`` where it is one, and None where the value counts.
    """

    labels: Sequence[Labels]
    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    histograms: NDArray[Any] | None = None


class Source(Protocol):
    """Where samples come from."""

    def select(self, matchers: Sequence[Matcher], from_ms: int, to_ms: int) -> Iterable[Samples]:
        """Give the series that fit all matchers, with their samples in [from_ms, to_ms].

        In blocks of whole series, so that a large answer never lies in memory at once. Series
        without a sample in the window may be left out. No series comes twice.
        """
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """An instant vector at each of k steps; a query at one instant has k = 1.

    labels: n. steps_ms: int64, k. values: float64, n x k, meaningless where not present.
    present: bool, n x k. histograms: None, or objects, n x k, None where the value counts.
    """

    labels: Sequence[Labels]
    steps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    histograms: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number at each step."""

    steps_ms: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Text:
    """A string, which only an instant query can be."""

    at_ms: int
    value: str


@dataclass(frozen=True, slots=True)
class Answer:
    """``value``: Samples are a range vector, which only an instant query can be."""

    value: Grid | Scalar | Text | Samples
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()


def is_stale(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell stale markers from numbers and from ordinary NaN."""
    found: NDArray[np.bool_] = values.view(np.uint64) == np.uint64(STALE_BITS)
    return found
