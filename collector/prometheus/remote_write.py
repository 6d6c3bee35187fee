"""A remote write request, 1.0 or 2.0 -> a Batch, and what is to be said of it.

Pure. A bad series or sample is left out and named, its neighbours stay. Values are taken to the
bit but for NaNs: a stale marker becomes a gap, the other ones a NaN. How a series is stored is in
ADR 9. Never converts a name, a unit or a type.
Spec: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import cramjam
import numpy as np
import orjson
import pyarrow as pa
from google.protobuf.message import DecodeError

from collector import semconv
from collector.otlp.batch import CUMULATIVE, POINTS, Batch, BatchBuilder, Series
from collector.otlp.errors import MalformedPayload, why
from collector.prometheus.write_histograms import (
    GAUGE,
    MAX_MS,
    NS_PER_MS,
    BadHistogram,
    custom_row,
    exponential_row,
    is_custom,
)
from collector.prometheus.write_labels import (
    BadLabels,
    KnownLabels,
    Pairs,
    Written,
    paired,
    parsed_labels,
    symbols_at,
    told,
)
from collector.prometheus.write_messages import Request, WriteRequest
from collector.promql.samples import is_stale

Version = Literal["1.0", "2.0"]
FAMILY: Final = f"{semconv.REMOTE_WRITE}/"
"""Before the name of a metric family in ``metric_descriptions``: the text is JSON (ADR 9)."""
TYPES: Final = (
    *("unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"),
)
"""Metric types by their number, the same in both versions."""
_MAX_FAULTS: Final = 3
_MAX_SPAN_ID: Final = 16
_MAX_TRACE_ID: Final = 32
_BAD_TIME: Final = "sample without a possible time"
_TOO_OLD: Final = "sample older than what is kept"
_KNOWN: Final = KnownLabels()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of each kind a request had."""

    samples: int = 0
    histograms: int = 0
    exemplars: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """``taken`` is what the batch holds; ``faults`` name some of the series that it does not."""

    batch: Batch
    taken: Counted
    faults: tuple[str, ...]


def unsnap(body: bytes, max_bytes: int) -> bytes | None:
    """Return the plain body of a snappy block; None when it is larger. Raises MalformedPayload.

    A block tells its length before all else, so that nothing is made before it is known.
    """
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        if size > max_bytes:
            return None
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise MalformedPayload(f"the body is no snappy block: {why(error)}") from error


def decode(
    body: bytes, version: Version, *, since_ns: int = 0, known: KnownLabels = _KNOWN
) -> Decoded:
    """Decode a plain body; raise MalformedPayload when it is no such request.

    Samples before ``since_ns`` are left out: they would be forgotten at once.
    """
    builder = _Builder(since_ns)
    try:
        if version == "1.0":
            _add_first(builder, WriteRequest.FromString(body), known)
        else:
            _add_second(builder, Request.FromString(body), known)
    except DecodeError as error:
        raise MalformedPayload(why(error)) from error
    return builder.build(len(body))


def _add_first(builder: "_Builder", request: Any, known: KnownLabels) -> None:
    for one in request.timeseries:
        try:
            written = known.of_messages(one.labels)
        except BadLabels as bad:
            builder.refuse(bad.reason, bad.series, _size(one))
            continue
        builder.add(written, one, 0)
        for exemplar in one.exemplars:
            builder.add_exemplar(written, exemplar, parsed_labels, exemplar.labels)
    for told_of in request.metadata:
        if told_of.metric_family_name:
            builder.describe(told_of.metric_family_name, told_of.type, told_of.unit, told_of.help)


def _add_second(builder: "_Builder", request: Any, known: KnownLabels) -> None:
    symbols = list(request.symbols)
    if symbols and symbols[0]:
        raise MalformedPayload("the first symbol must be the empty string")

    def pairs(refs: Sequence[int]) -> Pairs:
        return paired(symbols_at(refs, symbols))

    for one in request.timeseries:
        try:
            written = known.of_symbols(one.labels_refs, symbols)
            metadata = one.metadata
            unit, help_ = symbols_at((metadata.unit_ref, metadata.help_ref), symbols or [""])
        except BadLabels as bad:
            builder.refuse(bad.reason, bad.series, _size(one))
            continue
        builder.add(written, one, one.created_timestamp)
        for exemplar in one.exemplars:
            builder.add_exemplar(written, exemplar, pairs, exemplar.labels_refs)
        if metadata.type or unit or help_:
            builder.describe(_family(written.name, metadata.type), metadata.type, unit, help_)


def _family(name: str, kind: int) -> str:
    """Return the family of a series: classic histograms and summaries have several in one."""
    if TYPES[kind if kind < len(TYPES) else 0] in {"histogram", "gaugehistogram", "summary"}:
        for suffix in ("_bucket", "_count", "_sum"):
            if name.endswith(suffix):
                return name.removesuffix(suffix)
    return name


def _size(one: Any) -> int:
    return max(len(one.samples) + len(one.histograms), 1)


@dataclass(slots=True)
class _Builder:
    """Rows of one request."""

    since_ns: int
    batch: BatchBuilder = field(default_factory=BatchBuilder)
    faults: dict[str, None] = field(default_factory=dict)
    owners: list[Written] = field(default_factory=list)
    series: list[int] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    starts_ms: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    told_of: dict[int, Written] = field(default_factory=dict)

    def add(self, written: Written, one: Any, created_ms: int) -> None:
        """Take the samples and histograms of one series."""
        if one.samples:
            position = self._position(written, "gauge", 0)
            for sample in one.samples:
                self.series.append(position)
                self.times_ms.append(sample.timestamp)
                self.starts_ms.append(getattr(sample, "start_timestamp", 0) or created_ms)
                self.values.append(sample.value)
        for histogram in one.histograms:
            try:
                self._add_histogram(written, histogram, created_ms)
            except BadHistogram as bad:
                self.refuse(str(bad), _told(written), 1)

    def add_exemplar(self, written: Written, exemplar: Any, parse: Any, labels: Any) -> None:
        """Take an exemplar; one that is no good is left out without a word of its neighbours."""
        try:
            pairs: Pairs = parse(labels)
        except BadLabels as bad:
            self.refuse(f"exemplar: {bad.reason}", _told(written), 1)
            return
        if not self._is_time(exemplar.timestamp):
            self.refuse("exemplar without a possible time", _told(written), 1)
            return
        found = dict(pairs)
        row = (
            self._position(written, "gauge", 0),
            exemplar.timestamp * NS_PER_MS,
            None,
            exemplar.value,
            *_context(found),
            orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode(),
        )
        self.batch.exemplars.rows.append(row)

    def describe(self, family: str, kind: int, unit: str, help_: str) -> None:
        """Note what is said of a metric family."""
        type_ = TYPES[kind] if 0 <= kind < len(TYPES) else TYPES[0]
        known = {"type": type_, "unit": unit, "help": help_[:1024]}
        self.batch.describe(f"{FAMILY}{family[:1024]}", orjson.dumps(known).decode())

    def refuse(self, reason: str, series: str, items: int) -> None:
        """Leave out items of a series."""
        for _ in range(items):
            self.batch.reject(reason)
        if len(self.faults) < _MAX_FAULTS:
            self.faults[f"{reason}: {series}"] = None

    def build(self, body_bytes: int) -> Decoded:
        """Freeze what was collected."""
        points = self._points()
        batch = replace(self.batch.build(body_bytes), points=points, signal="metrics")
        histograms = len(batch.histograms) + len(batch.exponentials)
        taken = Counted(len(points), histograms, len(batch.exemplars))
        return Decoded(batch, taken, tuple(self.faults))

    def _position(self, written: Written, type_: str, temporality: int) -> int:
        position = self.batch.series(
            Series(
                self.batch.resource(written.resource),
                semconv.REMOTE_WRITE,
                written.name,
                "",
                type_,
                temporality,
                False,
                written.labels,
            )
        )
        self.told_of.setdefault(position, written)
        return position

    def _add_histogram(self, written: Written, histogram: Any, created_ms: int) -> None:
        time_ms = histogram.timestamp
        reason = self._time_fault(time_ms)
        if reason:
            raise BadHistogram(reason)
        temporality = 0 if histogram.reset_hint == GAUGE else CUMULATIVE
        start_ns = _start_ns(histogram.start_timestamp or created_ms, time_ms)
        if is_custom(histogram):
            bounds, (*head, first, counts) = custom_row(histogram)
            position = self._position(written, "histogram", temporality)
            row = (*head, self.batch.bounds(bounds), first, counts)
            self.batch.histograms.rows.append((position, time_ms * NS_PER_MS, start_ns, *row))
            return
        row = exponential_row(histogram)
        position = self._position(written, "exponential_histogram", temporality)
        self.batch.exponentials.rows.append((position, time_ms * NS_PER_MS, start_ns, *row))

    def _is_time(self, time_ms: int) -> bool:
        return 0 <= time_ms <= MAX_MS

    def _time_fault(self, time_ms: int) -> str:
        if not self._is_time(time_ms):
            return _BAD_TIME
        return _TOO_OLD if time_ms * NS_PER_MS < self.since_ns else ""

    def _points(self) -> pa.Table:
        if not self.series:
            return POINTS.empty_table()
        times_ms = np.array(self.times_ms, np.int64)
        series = np.array(self.series, np.int32)
        values = np.array(self.values, np.float64)
        starts_ms = np.array(self.starts_ms, np.int64)
        is_possible = (times_ms >= 0) & (times_ms <= MAX_MS)
        kept = is_possible & (times_ms >= -(-self.since_ns // NS_PER_MS))
        if not kept.all():
            self._refuse_times(series[~is_possible], _BAD_TIME)
            self._refuse_times(series[is_possible & ~kept], _TOO_OLD)
            series, times_ms = series[kept], times_ms[kept]
            values, starts_ms = values[kept], starts_ms[kept]
        has_start = (starts_ms > 0) & (starts_ms <= times_ms)
        columns = {
            "series": pa.array(series),
            "time_ns": pa.array(times_ms * NS_PER_MS),
            "start_ns": pa.array(np.where(has_start, starts_ms, 0) * NS_PER_MS),
            "value_int": pa.nulls(len(series), pa.int64()),
            "value_double": pa.array(values, mask=is_stale(values), from_pandas=False),
        }
        return pa.table(columns, schema=POINTS)

    def _refuse_times(self, series: Iterable[int], reason: str) -> None:
        for position in series:
            self.refuse(reason, _told(self.told_of[int(position)]), 1)


def _told(written: Written) -> str:
    return told([("__name__", written.name), *orjson.loads(written.labels).items()])


def _start_ns(start_ms: int, time_ms: int) -> int:
    return start_ms * NS_PER_MS if 0 < start_ms <= time_ms else 0


def _context(labels: dict[str, str]) -> tuple[int | None, int | None, int | None]:
    """Take trace and span out of the labels of an exemplar if they are as we would write them."""
    trace, span = labels.get("trace_id", ""), labels.get("span_id", "")
    hi = lo = number = None
    if _is_hex(trace, _MAX_TRACE_ID):
        hi, lo = int(trace[:16], 16), int(trace[16:], 16)
        del labels["trace_id"]
    if _is_hex(span, _MAX_SPAN_ID):
        number = int(span, 16)
        del labels["span_id"]
    return hi, lo, number


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and not set(text) - set("0123456789abcdef")
