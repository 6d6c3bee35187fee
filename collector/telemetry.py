"""The collector's numbers about itself: counters, a histogram, and a registry of what to expose.

Values are plain and thread-safe; there is no global registry: the composition root makes one, and
each part tells it a name, a help and a callback. Never knows a text format or a URL.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Labels = tuple[str, ...]
SECONDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
)
"""Bounds of a histogram of times."""
_MOST_SERIES: Final = 2_000
OTHER: Final = "other"
"""Takes the place of all label values beyond the most series."""


class Counter:
    """Sums by labels. Labels beyond a bound are counted together, as ``other``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[Labels, float] = {}

    def add(self, labels: Labels, number: float = 1) -> None:
        """Add to one sum; 0 makes it visible."""
        with self._lock:
            if labels not in self._sums and len(self._sums) >= _MOST_SERIES:
                labels = (OTHER,) * len(labels)
            self._sums[labels] = self._sums.get(labels, 0) + number

    def values(self) -> Mapping[Labels, float]:
        """Return all sums of this moment."""
        with self._lock:
            return dict(self._sums)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Counts up to each bound, not cumulated; the last count is of what lies beyond all bounds."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float


class Histogram:
    """Counts how often something took how long."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._lock = threading.Lock()
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, once or several times."""
        with self._lock:
            self._counts[bisect_left(self._bounds, value)] += times
            self._sum += value * times

    def value(self) -> Distribution:
        """Return the counts of this moment."""
        with self._lock:
            return Distribution(self._bounds, tuple(self._counts), self._sum)


Values = float | Mapping[Labels, float] | Distribution | None
"""What a callback tells: one number, numbers by labels, a histogram, or nothing for now."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A metric: what it is called and means, and who knows its values."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...]
    read: Callable[[], Values]


class Registry:
    """Instruments in the order in which they were told."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}

    def counter(
        self, name: str, help_: str, read: Callable[[], Values], labels: Iterable[str] = ()
    ) -> None:
        """Tell a sum that only grows while the process lives."""
        self._add(Instrument(name, "counter", help_, tuple(labels), read))

    def gauge(
        self, name: str, help_: str, read: Callable[[], Values], labels: Iterable[str] = ()
    ) -> None:
        """Tell a number of this moment."""
        self._add(Instrument(name, "gauge", help_, tuple(labels), read))

    def histogram(self, name: str, help_: str, read: Callable[[], Values]) -> None:
        """Tell a distribution."""
        self._add(Instrument(name, "histogram", help_, (), read))

    def instruments(self) -> Sequence[Instrument]:
        """Return all of them."""
        return tuple(self._instruments.values())

    def _add(self, instrument: Instrument) -> None:
        if instrument.name in self._instruments:
            raise ValueError(f"two instruments are called {instrument.name}")
        self._instruments[instrument.name] = instrument


class CommitStats:
    """How the writer's transactions went."""

    def __init__(self) -> None:
        self.seconds = Histogram()
        self.failed = Counter()
        self.group_requests = 0
        self.group_rows = 0
        self.last_ns = 0
        self.last_failed = False

    def committed(self, seconds: float, requests: int, rows: int, at_ns: int) -> None:
        """Note a transaction that is durable."""
        self.seconds.observe(seconds)
        self.group_requests, self.group_rows = requests, rows
        self.last_ns, self.last_failed = at_ns, False

    def broke(self, error: BaseException) -> None:
        """Note a transaction that was undone."""
        self.failed.add((type(error).__name__,))
        self.last_failed = True
