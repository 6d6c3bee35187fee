"""Metrics seen before, by their bytes: of a known one only times and values are read.

A proxy sends the same few hundred metrics every few seconds, and in most of them nothing differs
but fields of fixed width that lie side by side: start, time, value; of a histogram its count, sum
and bucket counts. What is left when these are cut out is the key. Equal keys are equal messages but
for that window, since all lengths and all other fields are in the key. A metric is learnt only
after the parser has read the same times and values from it and found nothing odd; all else is left
to the parser. Never warns, never rejects.
Spec: https://protobuf.dev/programming-guides/encoding/
"""

import math
import struct
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from collector.otlp.batch import CUMULATIVE, MAX_TIME_NS, BatchBuilder, Series
from collector.otlp.histograms import Bounds
from collector.otlp.starts import MIN_TIME_NS, mend_start_ns

_MOST: Final = 20_000
_MAX_COUNT: Final = 2**53
_NAME, _UNIT, _DESCRIPTION, _GAUGE, _SUM, _HISTOGRAM = 0x0A, 0x1A, 0x12, 0x2A, 0x3A, 0x4A
"""Tags of ``Metric``: a field number and the wire type of what has a length."""
_START, _TIME, _INT, _DOUBLE = 0x11, 0x19, 0x31, 0x21
"""Tags of a number's point, all of eight bytes."""
_COUNT, _TOTAL, _COUNTS = 0x21, 0x29, 0x32
"""Tags of a histogram's point."""

_STARTED_INT: Final = struct.Struct("<xQxQxq")
_STARTED_DOUBLE: Final = struct.Struct("<xQxQxd")
_INT_ONLY: Final = struct.Struct("<xQxq")
_DOUBLE_ONLY: Final = struct.Struct("<xQxd")
_STARTED: Final = {_INT: _STARTED_INT, _DOUBLE: _STARTED_DOUBLE}
_UNSTARTED: Final = {_INT: _INT_ONLY, _DOUBLE: _DOUBLE_ONLY}
_HISTOGRAM_HEAD: Final = struct.Struct("<xQxQxQxd")


@dataclass(frozen=True, slots=True)
class Known:
    """What the bytes outside of the window say; ``bounds`` are those of a histogram."""

    series: Series
    description: str
    bounds: Bounds = ()


@dataclass(slots=True)
class KnownMetrics:
    """A bounded memory of metrics with one point."""

    _numbers: dict[bytes, Known] = field(default_factory=dict)
    _histograms: dict[bytes, Known] = field(default_factory=dict)

    def take(self, builder: BatchBuilder, resource: int, scope: str, raw: bytes) -> bool:
        """Add the point of a known metric; False when the parser must look at it."""
        try:
            at, kind = _point(raw)
            if kind == _HISTOGRAM:
                return self._take_histogram(builder, resource, scope, raw, at)
            return self._take_number(builder, resource, scope, raw, at)
        except (IndexError, struct.error):
            return False

    def learn(self, raw: bytes, point: Any, builder: BatchBuilder, description: str) -> None:
        """Remember a metric that the parser has just added as the last row of the builder."""
        if point.flags or point.exemplars:
            return
        try:
            at, kind = _point(raw)
            if kind == _HISTOGRAM:
                self._learn_histogram(raw, at, point, builder, description)
            else:
                self._learn_number(raw, at, point, builder, description)
        except (IndexError, struct.error):
            return

    def _take_number(
        self, builder: BatchBuilder, resource: int, scope: str, raw: bytes, at: int
    ) -> bool:
        form = _form(raw, at)
        if form is None:
            return False
        known = self._numbers.get(_number_key(raw, at, form))
        if known is None:
            return False
        *start, time_ns, value = form.unpack_from(raw, at)
        series = known.series
        if not MIN_TIME_NS <= time_ns <= MAX_TIME_NS:
            return False
        if series.is_monotonic and not 0 <= value < math.inf:
            return False
        position, start_ns = _placed(
            builder, known, resource, scope, start[0] if start else 0, time_ns
        )
        if form is _STARTED_INT or form is _INT_ONLY:
            builder.points.rows.append((position, time_ns, start_ns, value, None))
        else:
            builder.points.rows.append((position, time_ns, start_ns, None, value))
        return True

    def _learn_number(
        self, raw: bytes, at: int, point: Any, builder: BatchBuilder, description: str
    ) -> None:
        form = _form(raw, at)
        if form is None:
            return
        *start, time_ns, value = form.unpack_from(raw, at)
        read = (start[0] if start else 0, time_ns, value)
        name = point.WhichOneof("value")
        if name is None or read != (
            point.start_time_unix_nano,
            point.time_unix_nano,
            getattr(point, name),
        ):
            return
        series = builder.series_at(builder.points.rows[-1][0])
        _remember(self._numbers, _number_key(raw, at, form), Known(series, description))

    def _take_histogram(
        self, builder: BatchBuilder, resource: int, scope: str, raw: bytes, at: int
    ) -> bool:
        window = _histogram_window(raw, at)
        if window is None:
            return False
        counts_at, end = window
        known = self._histograms.get(raw[:at] + raw[end:])
        if known is None:
            return False
        start_ns, time_ns, count, total = _HISTOGRAM_HEAD.unpack_from(raw, at)
        first, filled = _filled(raw, counts_at, end)
        if not MIN_TIME_NS <= time_ns <= MAX_TIME_NS or count > _MAX_COUNT or sum(filled) != count:
            return False
        position, start_ns = _placed(builder, known, resource, scope, start_ns, time_ns)
        bounds = builder.bounds(known.bounds)
        builder.histograms.rows.append(
            (position, time_ns, start_ns, count, total, None, None, bounds, first, filled)
        )
        return True

    def _learn_histogram(
        self, raw: bytes, at: int, point: Any, builder: BatchBuilder, description: str
    ) -> None:
        window = _histogram_window(raw, at)
        if window is None or point.HasField("min") or point.HasField("max"):
            return
        counts_at, end = window
        times = point.start_time_unix_nano, point.time_unix_nano
        read = _HISTOGRAM_HEAD.unpack_from(raw, at)
        counts = np.frombuffer(raw, "<u8", (end - counts_at) // 8, counts_at)
        if read != (*times, point.count, point.sum) or counts.tolist() != list(point.bucket_counts):
            return
        series = builder.series_at(builder.histograms.rows[-1][0])
        known = Known(series, description, tuple(point.explicit_bounds))
        _remember(self._histograms, raw[:at] + raw[end:], known)


def _point(raw: bytes) -> tuple[int, int]:
    """Return where the fields of the first point begin, and the tag of its metric's kind."""
    if raw[0] != _NAME:
        return len(raw), 0
    at = 2 + raw[1] if raw[1] < 0x80 else 3 + (raw[1] & 0x7F) + (raw[2] << 7)
    while (tag := raw[at]) in (_UNIT, _DESCRIPTION):
        if raw[at + 1] >= 0x80:
            return len(raw), 0
        at += 2 + raw[at + 1]
    if tag not in (_GAUGE, _SUM, _HISTOGRAM):
        return len(raw), 0
    at += 1
    while raw[at] >= 0x80:
        at += 1
    if raw[at + 1] != _NAME:
        return len(raw), 0
    at += 2
    while raw[at] >= 0x80:
        at += 1
    return at + 1, tag


def _form(raw: bytes, at: int) -> struct.Struct | None:
    """Return how times and value of a number's point lie in its window."""
    if raw[at] == _START and raw[at + 9] == _TIME:
        return _STARTED.get(raw[at + 18])
    if raw[at] == _TIME:
        return _UNSTARTED.get(raw[at + 9])
    return None


def _number_key(raw: bytes, at: int, form: struct.Struct) -> bytes:
    """Return all but the window; the tag of the value stays, for it tells integers from doubles."""
    end = at + form.size
    return raw[:at] + raw[end - 9 : end - 8] + raw[end:]


def _histogram_window(raw: bytes, at: int) -> tuple[int, int] | None:
    """Return where the bucket counts lie; the window goes from ``at`` to their end."""
    tags = raw[at], raw[at + 9], raw[at + 18], raw[at + 27], raw[at + 36]
    if tags != (_START, _TIME, _COUNT, _TOTAL, _COUNTS):
        return None
    counts_at = at + 37
    while raw[counts_at] >= 0x80:
        counts_at += 1
    counts_at += 1
    size = 0
    for place, byte in enumerate(raw[at + 37 : counts_at]):
        size |= (byte & 0x7F) << (7 * place)
    end = counts_at + size
    return (counts_at, end) if size and size % 8 == 0 and end <= len(raw) else None


def _filled(raw: bytes, counts_at: int, end: int) -> tuple[int, list[int]]:
    """Return the first filled bucket and the counts from there to the last one."""
    counts = np.frombuffer(raw, "<u8", (end - counts_at) // 8, counts_at)
    filled = np.flatnonzero(counts)
    if not len(filled):
        return 0, []
    first = int(filled[0])
    return first, counts[first : int(filled[-1]) + 1].tolist()


def _placed(
    builder: BatchBuilder, known: Known, resource: int, scope: str, start_ns: int, time_ns: int
) -> tuple[int, int]:
    """Return the position of the series in the builder, and the start time mended."""
    series = known.series
    if series.resource != resource or series.scope != scope:
        series = replace(series, resource=resource, scope=scope)
    if start_ns:
        start_ns = mend_start_ns(start_ns)
        start_ns = start_ns if start_ns <= time_ns else 0
    if series.temporality == CUMULATIVE:
        builder.hear(resource, start_ns, time_ns)
    if known.description:
        builder.describe(series.name, known.description)
    return builder.series(series), start_ns


def _remember(memory: dict[bytes, Known], key: bytes, known: Known) -> None:
    if len(memory) >= _MOST:
        memory.clear()
    memory[key] = known
