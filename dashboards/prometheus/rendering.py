"""Answers of the engine -> the ``data`` of the API, as JSON in chunks.

Never evaluates. A matrix of a million points is joined from pieces that are made once for all
series (the times) or once for each (the numbers), not point by point.
https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, assert_never

import numpy as np
import orjson
from numpy.typing import NDArray

from collector.promql.native import Histogram, rows
from collector.promql.samples import Answer, Grid, Labels, Samples, Scalar, Text
from dashboards.prometheus.numbers import number_text, number_texts, time_text

CHUNK_BYTES: Final = 1 << 20

Floats = NDArray[np.float64]


def instant_data(answer: Answer, limit: int = 0) -> Iterator[bytes]:
    """Give the data of an instant query; a limit of 0 is none."""
    match answer.value:
        case Grid() as grid:
            yield from _data("vector", _limited(_vector(grid), limit))
        case Samples() as samples:
            yield from _data("matrix", _limited(_matrix(samples), limit))
        case Scalar(steps_ms, values):
            point = f'{time_text(int(steps_ms[0]))},"{number_text(float(values[0]))}"'
            yield b'{"resultType":"scalar","result":[' + point.encode() + b"]}"
        case Text(at_ms, value):
            told = time_text(at_ms).encode() + b"," + orjson.dumps(value)
            yield b'{"resultType":"string","result":[' + told + b"]}"
        case _:
            assert_never(answer.value)


def range_data(answer: Answer, limit: int = 0) -> Iterator[bytes]:
    """Give the data of a range query: always a matrix; a scalar is a series without labels."""
    match answer.value:
        case Grid() as grid:
            series = _grid_matrix(grid)
        case Scalar(steps_ms, values):
            present = np.ones((1, len(steps_ms)), np.bool_)
            series = _grid_matrix(Grid([()], steps_ms, values[None, :], present))
        case Samples() as samples:
            series = _matrix(samples)
        case Text():
            raise TypeError("a range query has no string")
        case _:
            assert_never(answer.value)
    yield from _data("matrix", _limited(series, limit))


def series_count(answer: Answer) -> int:
    """Return how many series the answer has, for the warning of a limit."""
    match answer.value:
        case Grid(present=present):
            return int(present.any(axis=1).sum())
        case Samples(labels=labels):
            return len(labels)
        case _:
            return 1


def _data(kind: str, elements: Iterable[bytes]) -> Iterator[bytes]:
    pieces = [b'{"resultType":"' + kind.encode() + b'","result":[']
    size, between = 0, b""
    for element in elements:
        pieces.extend((between, element))
        between = b","
        size += len(element)
        if size >= CHUNK_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
    pieces.append(b"]}")
    yield b"".join(pieces)


def _limited(elements: Iterable[bytes], limit: int) -> Iterator[bytes]:
    for number, element in enumerate(elements):
        if limit and number >= limit:
            return
        yield element


def _vector(grid: Grid) -> Iterator[bytes]:
    at = time_text(int(grid.steps_ms[0])).encode()
    there = np.flatnonzero(grid.present[:, 0])
    texts = number_texts(grid.values[there, 0])
    for place, text in zip(there.tolist(), texts, strict=True):
        native = None if grid.histograms is None else grid.histograms[place, 0]
        metric = _metric(grid.labels[place])
        if native is None:
            yield metric + b',"value":[' + at + b',"' + text + b'"]}'
        else:
            yield metric + b',"histogram":[' + at + b"," + _histogram(native) + b"]}"


def _grid_matrix(grid: Grid) -> Iterator[bytes]:
    heads = _heads(grid.steps_ms)
    for place, labels in enumerate(grid.labels):
        present = grid.present[place]
        if present.all():
            chosen, values = heads, grid.values[place]
        else:
            steps = np.flatnonzero(present)
            if not len(steps):
                continue
            chosen, values = [heads[step] for step in steps.tolist()], grid.values[place][steps]
        natives = None if grid.histograms is None else grid.histograms[place][present]
        yield _series(labels, chosen, values, natives)


def _matrix(samples: Samples) -> Iterator[bytes]:
    for place, labels in enumerate(samples.labels):
        own = slice(int(samples.offsets[place]), int(samples.offsets[place + 1]))
        natives = None if samples.histograms is None else samples.histograms[own]
        yield _series(labels, _heads(samples.times_ms[own]), samples.values[own], natives)


def _heads(times_ms: NDArray[np.int64]) -> list[bytes]:
    """Return what stands between two values: the end of one point and the time of the next."""
    return [b'"],[' + time_text(at_ms).encode() + b',"' for at_ms in times_ms.tolist()]


def _series(
    labels: Labels, heads: Sequence[bytes], values: Floats, natives: NDArray[Any] | None
) -> bytes:
    if natives is None:
        return _metric(labels) + b',"values":[' + _points(heads, values) + b"]}"
    is_native = np.array([native is not None for native in natives], np.bool_)
    parts = [_metric(labels)]
    numbers = np.flatnonzero(~is_native)
    if len(numbers):
        own = [heads[place] for place in numbers.tolist()]
        parts.append(b',"values":[' + _points(own, values[numbers]) + b"]")
    if is_native.any():
        points = (
            b"[" + heads[place][4:-1] + _histogram(natives[place]) + b"]"
            for place in np.flatnonzero(is_native).tolist()
        )
        parts.append(b',"histograms":[' + b",".join(points) + b"]")
    return b"".join((*parts, b"}"))


def _points(heads: Sequence[bytes], values: Floats) -> bytes:
    pieces = [b""] * (2 * len(values))
    pieces[0::2] = heads
    pieces[1::2] = number_texts(values)
    joined = b"".join(pieces)
    return joined[3:] + b'"]' if joined else b""


def _metric(labels: Labels) -> bytes:
    return b'{"metric":' + orjson.dumps(dict(labels))


def _histogram(histogram: Histogram) -> bytes:
    told: dict[str, Any] = {
        "count": number_text(histogram.count),
        "sum": number_text(histogram.sum),
    }
    buckets = [
        [rule, number_text(lower), number_text(upper), number_text(count)]
        for rule, lower, upper, count in rows(histogram)
    ]
    return orjson.dumps(told | {"buckets": buckets} if buckets else told)
