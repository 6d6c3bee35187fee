"""Made-up series for tests, and answers as plain dicts."""

import numpy as np

from collector.promql.engine import instant, over_range
from collector.promql.labelsets import shown
from collector.promql.memory import MemorySource
from collector.promql.options import Options

MINUTE = 60_000


def labels(name, **others):
    named = {"__name__": name} if name else {}
    return tuple(sorted({**named, **others}.items()))


def series(name, values, *, start=0, step=MINUTE, histograms=None, **others):
    """Samples every ``step`` ms; a None is none."""
    kept = [number for number, value in enumerate(values) if value is not None]
    times = [start + step * number for number in kept]
    return labels(name, **others), times, [values[number] for number in kept], histograms


def source(*found, block_size=2):
    return MemorySource(found, block_size=block_size)


def at(where, text, at_ms, **options):
    """Evaluate at one instant: a float, or floats and histograms by labels."""
    return plain(instant(where, text, at_ms, Options(**options)).value)


def plain(value):
    if not hasattr(value, "present"):
        return value.values.tolist()[0]
    return {shown(one): element(value, row) for row, one in enumerate(value.labels)}


def element(grid, row, step=0):
    histogram = None if grid.histograms is None else grid.histograms[row, step]
    return grid.values[row, step].item() if histogram is None else histogram


def told(where, text, at_ms):
    """Return warnings and infos together."""
    answer = instant(where, text, at_ms)
    return (*answer.warnings, *answer.infos)


def rows(where, text, start_ms, end_ms, step_ms=MINUTE, **options):
    """Evaluate over a range: lists with None where there is no element, by labels."""
    grid = over_range(where, text, start_ms, end_ms, step_ms, Options(**options)).value
    if not hasattr(grid, "present"):
        return grid.values.tolist()
    return {
        shown(one): np.where(present, values, None).tolist()
        for one, values, present in zip(grid.labels, grid.values, grid.present, strict=True)
    }
