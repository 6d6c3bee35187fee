"""The collector at a glance: what it takes, what it leaves out, and how its store is doing.

Made of the numbers that ``/metrics`` tells too, and of the exporters; the page shows what
``/api/collector`` tells. Never counts anything itself but rates: a rate is what was counted since a
look of up to a minute ago, or since the server's start when there was none.
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.store.disk import DiskLevel
from collector.telemetry import Distribution, Labels, Registry, Values
from dashboards.web.self_metrics import Exporter, read

SIGNALS: Final = ("traces", "metrics", "logs")
_WINDOW_S: Final = 60.0
_LEAST_S: Final = 1.0
_DISK: Final = {
    DiskLevel.ROOMY: "roomy",
    DiskLevel.SHED_RAW: "spans and logs are left out",
    DiskLevel.FULL: "full: nothing is taken",
}

Sums = Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class Signal:
    """What came of one signal. ``lag_s`` is None when nothing has come yet."""

    name: str
    items_per_s: float
    bytes_per_s: float
    accepted: int
    rejected: int
    repeated: int
    lag_s: float | None


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not taken as it came, and how often since the start."""

    what: str
    signal: str
    reason: str
    number: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the store; ``unit`` is bytes, s for what takes some ms, age for some seconds."""

    title: str
    value: float | None
    unit: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CollectorView:
    """All of the page."""

    not_ready: tuple[str, ...]
    signals: tuple[Signal, ...]
    figures: tuple[Figure, ...]
    left: tuple[Left, ...]
    exporters: tuple[Exporter, ...]


class Rates:
    """Remembers the last looks of a minute, so that sums become rates. Thread-safe."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, dict[str, Sums]]] = deque()
        self._lock = threading.Lock()

    def per_s(
        self, sums: dict[str, Sums], now_s: float, started_s: float
    ) -> dict[str, dict[Labels, float]]:
        """Return how fast each sum grows; a sum that fell began anew."""
        with self._lock:
            while self._looks and now_s - self._looks[0][0] > _WINDOW_S:
                self._looks.popleft()
            at_s, before = self._looks[0] if self._looks else (started_s, {})
            if not self._looks or now_s - self._looks[-1][0] >= _LEAST_S:
                self._looks.append((now_s, sums))
        took_s = max(now_s - at_s, _LEAST_S)
        return {
            name: {
                key: max(number - before.get(name, {}).get(key, 0), 0) / took_s
                for key, number in found.items()
            }
            for name, found in sums.items()
        }


def collector_view(
    registry: Registry,
    rates: Rates,
    exporters: Sequence[Exporter],
    not_ready: Sequence[str],
    now_s: float,
) -> CollectorView:
    """Read the registry once, and put the view together."""
    told = read(registry)
    started_s = _number(told.get("process_start_time_seconds")) or now_s
    grown = {name: _sums(told, name) for name in (_ITEMS, _BYTES)}
    per_s = rates.per_s(grown, now_s, started_s)
    return CollectorView(
        tuple(not_ready),
        tuple(_signal(name, told, per_s) for name in SIGNALS),
        tuple(_figures(told)),
        tuple(_left(told)),
        tuple(sorted(exporters, key=lambda one: (not one.is_silent, one.service, one.instance))),
    )


def quantile(distribution: Distribution, ratio: float) -> float | None:
    """Return the value below which this share lies, interpolated as Prometheus does; None: empty.

    Beyond the last bound nothing is known but that, and so the bound itself is returned.
    """
    total = sum(distribution.counts)
    if not total:
        return None
    wanted, below, low = ratio * total, 0, 0.0
    for bound, count in zip(distribution.bounds, distribution.counts, strict=False):
        if count and below + count >= wanted:
            return low + (bound - low) * (wanted - below) / count
        below, low = below + count, bound
    return low


_ITEMS: Final = "meshscope_items_total"
_BYTES: Final = "meshscope_received_bytes_total"


def _signal(
    name: str, told: Mapping[str, Values], per_s: Mapping[str, Mapping[Labels, float]]
) -> Signal:
    def items(outcome: str) -> int:
        found = _sums(told, _ITEMS).items()
        return int(sum(n for key, n in found if key[0] == name and key[-1] == outcome))

    lag = _sums(told, "meshscope_lag_seconds").get((name,))
    return Signal(
        name,
        sum(n for key, n in per_s[_ITEMS].items() if key[0] == name and key[-1] == "accepted"),
        sum(n for key, n in per_s[_BYTES].items() if key[0] == name),
        items("accepted"),
        items("rejected"),
        items("repeated"),
        None if lag is None else max(lag, 0.0),
    )


def _figures(told: Mapping[str, Values]) -> list[Figure]:
    def number(name: str) -> float | None:
        return _number(told.get(f"meshscope_{name}"))

    def share(name: str, ratio: float) -> float | None:
        found = told.get(f"meshscope_{name}")
        return quantile(found, ratio) if isinstance(found, Distribution) else None

    level = number("disk_level")
    return [
        Figure("Commit p50", share("commit_seconds", 0.5), "s"),
        Figure("Commit p99", share("commit_seconds", 0.99), "s"),
        Figure("Ack p99", share("ack_seconds", 0.99), "s"),
        Figure("Checkpoint p99", share("checkpoint_seconds", 0.99), "s"),
        Figure("Queue", number("queue_bytes"), "bytes", _oldest(number("queue_oldest_seconds"))),
        Figure("Edges of spans lag", number("span_edges_lag_seconds"), "age", "30 s is usual"),
        Figure("Disk free", number("disk_free_bytes"), "bytes",
               "" if level is None else _DISK[DiskLevel(int(level))]),
        Figure("Store", number("store_bytes"), "bytes"),
        Figure("Log", number("wal_bytes"), "bytes"),
        Figure("Sealed", number("sealed_bytes"), "bytes",
               f"{number('sealed_files') or 0:.0f} files"),
        Figure("Memory", _number(told.get("process_resident_memory_bytes")), "bytes"),
    ]  # fmt: skip


def _oldest(seconds: float | None) -> str:
    return f"the oldest waits {seconds:.1f} s" if seconds else "nothing waits"


_LEFT: Final = (
    ("rejected", "meshscope_items_rejected_total", (0, 2)),
    ("request refused", "meshscope_requests_refused_total", (0, 2)),
    ("masked", "meshscope_masked_total", (0, 2)),
    ("late span", "meshscope_late_spans_total", (None, 0)),
    ("far from the clock", "meshscope_far_times_total", (0, 0)),
    ("warning", "meshscope_intake_warnings_total", (None, 0)),
    ("overflow", "meshscope_overflow_total", (1, 0)),
    ("sampling of late", "meshscope_sampling_verdicts", (None, 0)),
    ("commit undone", "meshscope_commit_failures_total", (None, 0)),
    ("forgotten", "meshscope_retention_deleted_rows_total", (0, 1)),
)
"""Kind, metric, and which of its labels are the signal (or service) and the reason."""


def _left(told: Mapping[str, Values]) -> list[Left]:
    found: dict[tuple[str, str, str], float] = {}
    for what, name, (whose, why) in _LEFT:
        for labels, number in _sums(told, name).items():
            key = (what, "" if whose is None else labels[whose], labels[why])
            found[key] = found.get(key, 0) + number
    return [Left(*key, int(number)) for key, number in found.items() if number]


def _sums(told: Mapping[str, Values], name: str) -> Sums:
    found = told.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(value: Values) -> float | None:
    return float(value) if isinstance(value, int | float) else None
