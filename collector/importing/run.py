"""An import: window by window, metric by metric, in pieces that fit into memory.

A metric in a window is noted as done when all its samples are durable; what the target has already
is not written again. So an import that ended anywhere can be resumed without loss or repetition.
Never prints: ``tell`` is told. Never ends the process.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from collector.importing.errors import ImportFailed, NothingFound, TooMuch, UsedWrongly
from collector.importing.journal import Journal, Unit
from collector.importing.plan import (
    Matchers,
    Window,
    cut,
    of_metric,
    parse_match,
    partition,
    windows,
)
from collector.importing.raw import Meaning, Raw, bodies, size, without
from collector.importing.source import Source
from collector.importing.target import Target

_SHORTEST_MS: Final = 60_000
"""A shorter piece of time is not cut further, but by series."""
_MOST_STEPS: Final = 10_000
"""Prometheus gives 11,000 at most."""
_MOST_MESSAGES: Final = 5
_DAY_MS: Final = 86_400_000
_GRACE_MS: Final = 600_000
"""A server keeps a little more than it says."""


@dataclass(frozen=True, slots=True)
class Options:
    """``piece_samples`` are in memory at a time, ``request_samples`` in one request.

    ``most_per_s`` bounds the samples read in a second; 0 does not.
    """

    whole: Window
    window_ms: int = 86_400_000
    step_ms: int = 0
    piece_samples: int = 200_000
    request_samples: int = 20_000
    most_per_s: float = 0.0


@dataclass(slots=True)
class Progress:
    """How far it is. ``ratio`` of the windows and their metrics; samples so far in this run.

    ``before`` are those that earlier runs have noted as done.
    """

    ratio: float = 0.0
    metrics: int = 0
    metric: str = ""
    read: int = 0
    written: int = 0
    present: int = 0
    refused: int = 0
    before: int = 0
    messages: dict[str, None] = field(default_factory=dict)


Tell = Callable[[Progress], None]


@dataclass(slots=True)
class Import:
    """One run; ``matches`` are selectors, any of which takes a series in."""

    source: Source
    target: Target
    matches: Sequence[Matchers]
    options: Options
    journal: Journal | None = None
    tell: Tell = lambda _: None
    progress: Progress = field(default_factory=Progress)
    _meanings: Mapping[str, Meaning] = field(default_factory=dict)
    _per_ms: dict[str, float] = field(default_factory=dict)
    _began_s: float = field(default_factory=time.monotonic)
    _there: set[str] = field(default_factory=set)
    _waiting: list[Raw] = field(default_factory=list)
    _waiting_samples: int = 0
    _ended: dict[Unit, int] = field(default_factory=dict)

    def go_on(self, journal: Journal) -> None:
        """Take the time and the cuts of a journal for those that were asked for; raise UsedWrongly.

        A journal of another source, target or selector is not that of this import.
        """
        told = journal.header
        self.journal = journal
        self.progress.before = journal.samples
        self.options = replace(
            self.options,
            whole=Window(told.from_ms, told.to_ms),
            window_ms=told.window_ms,
            step_ms=told.step_ms,
        )
        self.matches = [parse_match(one) for one in told.matches]

    def check(self) -> None:
        """Raise when it cannot end well: nobody answers, or the target would forget at once."""
        self.source.check()
        kept_ms, whole = self.target.kept_ms(), self.options.whole
        age_ms = time.time_ns() // 10**6 - whole.from_ms
        if kept_ms is not None and age_ms > kept_ms + _GRACE_MS:
            days, needed = kept_ms // _DAY_MS, math.ceil((age_ms - _GRACE_MS) / _DAY_MS)
            raise UsedWrongly(
                f"meshscope keeps samples for {days} days and would forget older ones at once:"
                f" start it with MESHSCOPE_KEEP_METRICS_DAYS={needed}, or give --since {days}d"
            )

    def run(self) -> Progress:
        """Import all; raise NothingFound, Unreachable or ImportFailed."""
        self._meanings = self.source.meanings()
        for window, match, name in self._units():
            unit = (window.from_ms, match, name)
            if self.journal is not None and self.journal.has(unit):
                continue
            self._ended[unit] = self._take(of_metric(self.matches[match], name), window, name)
        self._flush()
        return self.progress

    def count(self) -> Progress:
        """Write nothing, only count what matches; nearly, for both ends may be counted."""
        for window, match, name in self._units():
            matchers = of_metric(self.matches[match], name)
            self.progress.read += self.source.count(matchers, window.from_ms, window.to_ms)
        return self.progress

    def _units(self) -> Iterator[tuple[Window, int, str]]:
        """Give what there is to do, and tell how far it is after each."""
        found = windows(self.options.whole, self.options.window_ms)
        seen: set[str] = set()
        for number, window in enumerate(found):
            wanted = [
                (match, name)
                for match, matchers in enumerate(self.matches)
                for name in self.source.names(matchers, window.from_ms, window.to_ms)
            ]
            for place, (match, name) in enumerate(wanted):
                if not place or wanted[place - 1][0] != match:
                    self._look(match, window)
                seen.add(name)
                yield window, match, name
                self.progress.metric, self.progress.metrics = name, len(seen)
                self.progress.ratio = (number + (place + 1) / len(wanted)) / len(found)
                self.tell(self.progress)
        if not seen:
            raise NothingFound(f"{self.source.url} has no such series in that time")
        self.progress.ratio = 1.0

    def _take(self, matchers: Matchers, window: Window, name: str) -> int:
        """Import one metric in one window; return its samples."""
        total = 0
        for part, piece, series in self._pieces(matchers, window, name):
            samples = size(series)
            total += samples
            self.progress.read += samples
            is_there = series and name in self._there
            new = without(series, self.target.present(part, piece)) if is_there else series
            self.progress.present += samples - size(new)
            self._put(new)
            self.tell(self.progress)
            self._brake()
        self._per_ms[name] = total / window.span_ms
        return total

    def _put(self, series: Sequence[Raw]) -> None:
        """Let samples wait for others until they fill a request."""
        self._waiting += series
        self._waiting_samples += size(series)
        if self._waiting_samples >= self.options.request_samples:
            self._flush()

    def _flush(self) -> None:
        """Write what waits; then what has been read to its end is done."""
        self._write(self._waiting)
        self._waiting, self._waiting_samples = [], 0
        for unit, samples in self._ended.items():
            if self.journal is not None:
                self.journal.note(unit, samples)
        self._ended.clear()

    def _look(self, match: int, window: Window) -> None:
        """See what is there, the samples of an earlier selector too: both may take a series in."""
        self._flush()
        self._there = self.target.names(self.matches[match], window)

    def _write(self, series: Sequence[Raw]) -> None:
        for body, samples in bodies(series, self._meanings, self.options.request_samples):
            wrote = self.target.write(body, samples)
            self.progress.written += wrote.samples
            self.progress.refused += samples - wrote.samples
            if wrote.message and len(self.progress.messages) < _MOST_MESSAGES:
                self.progress.messages[wrote.message] = None

    def _pieces(
        self, matchers: Matchers, window: Window, name: str
    ) -> Iterator[tuple[Matchers, Window, list[Raw]]]:
        """Give pieces that are small enough, in the order of time."""
        parts = self._too_large(matchers, window, name)
        series = None if parts else self._read(matchers, window)
        if series is not None:
            yield matchers, window, series
        elif window.span_ms > _SHORTEST_MS:
            for piece in cut(window, max(parts, 2), _SHORTEST_MS):
                yield from self._pieces(matchers, piece, "")
        else:
            for one in self._parts(matchers, window, max(parts, 2)):
                yield from self._pieces(one, window, "")

    def _too_large(self, matchers: Matchers, window: Window, name: str) -> int:
        """Return into how many parts to cut; 0 when it will do as it is."""
        options = self.options
        steps = window.span_ms // options.step_ms if options.step_ms else 0
        if steps > _MOST_STEPS:
            return math.ceil(steps / _MOST_STEPS)
        if self._per_ms.get(name, math.inf) * window.span_ms < options.piece_samples / 2:
            return 0
        try:
            samples = self.source.count(matchers, window.from_ms, window.to_ms)
        except TooMuch:
            return 2
        return math.ceil(samples / options.piece_samples) if samples > options.piece_samples else 0

    def _read(self, matchers: Matchers, window: Window) -> list[Raw] | None:
        """Return the samples; None when they are too many for the source."""
        ends = window.from_ms, window.to_ms
        try:
            if self.options.step_ms:
                return self.source.steps(matchers, *ends, self.options.step_ms)
            return self.source.samples(matchers, *ends)
        except TooMuch:
            return None

    def _parts(self, matchers: Matchers, window: Window, parts: int) -> list[Matchers]:
        series = self.source.series(matchers, window.from_ms, window.to_ms)
        found = [(*matchers, one) for one in partition(series, parts)]
        if not found:
            raise ImportFailed(f"{self.source.url} refuses a minute of one series")
        return found

    def _brake(self) -> None:
        """Wait until no more was read than is allowed."""
        if self.options.most_per_s:
            due_s = self.progress.read / self.options.most_per_s
            time.sleep(max(due_s - (time.monotonic() - self._began_s), 0.0))
