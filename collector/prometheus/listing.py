"""Which series exist in a window, without their samples: for label browsers and ``/series``.

Never reads a value. A series exists where it has a point; one derived from edges from the hour of
its first request on.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from collector.prometheus.edges import EdgeSeries
from collector.prometheus.families import LATENCIES
from collector.prometheus.numbers import positional
from collector.prometheus.points import Window, owners
from collector.prometheus.presence import counts_in
from collector.prometheus.source import StoreSource, bounds_of, fits_open
from collector.prometheus.streams import Series
from collector.prometheus.targets import RETIRED_S
from collector.promql.samples import Labels, Matcher

_OPEN_VALUES: Final = {
    "histogram_points": "SELECT DISTINCT series_id, bounds_id, bounds AS values"
    " FROM histogram_points JOIN bounds USING (bounds_id)",
    "summary_points": "SELECT DISTINCT series_id, 0 AS bounds_id, quantiles AS values"
    " FROM summary_points",
}


def label_sets(
    source: StoreSource, matchers: Sequence[Matcher], window: Window
) -> Iterator[Labels]:
    """Give the labels of each series that fits and exists in the window, once."""

    def kind(one: Series) -> tuple[str, str]:
        return one.table, one.part

    streams = source.streams(matchers)
    for (_, part), members in groupby(sorted(streams, key=kind), key=kind):
        series = list(members)
        if part in {"info", "seen"}:
            yield from (one.labels for one in _heard(source, series, window))
            continue
        counts = counts_in(source.cursor, series, window)
        there = [
            one
            for one, count in zip(series, counts, strict=True)
            if count or any(counts_in(source.cursor, [other], window)[0] for other in one.others)
        ]
        if not there or there[0].open_label is None:
            yield from (one.labels for one in there)
        else:
            yield from _opened(source, there, matchers, window)
    yield from _derived(source, matchers, window)


def _opened(
    source: StoreSource, series: Sequence[Series], matchers: Sequence[Matcher], window: Window
) -> Iterator[Labels]:
    name = series[0].open_label or ""
    fits = fits_open(name, matchers)
    owned = owners(series)
    rows = source.cursor.execute(
        f"SELECT series_id, values FROM ({_OPEN_VALUES[series[0].table]}"
        " SEMI JOIN (SELECT unnest(?::INTEGER[]) AS series_id) USING (series_id)"
        " WHERE time_ns >= ? AND time_ns < ?)",
        [owned.streams, *owned.window_ns(window)],
    ).fetchall()
    position = dict(zip(owned.streams, owned.positions, strict=True))
    found = {
        (position[stream], text)
        for stream, values in rows
        for text in (*map(positional, values), *(["+Inf"] if name == "le" else []))
        if fits(text)
    }
    for place, text in sorted(found):
        yield tuple(sorted((*series[place].labels, (name, text))))


def _heard(source: StoreSource, series: Sequence[Series], window: Window) -> list[Series]:
    """Return those whose resource was heard in the window; ``seen`` ones last until they retire."""
    from_s = window.from_ms // 1000 - (RETIRED_S if series[0].part == "seen" else 0)
    rows = source.cursor.execute(
        "SELECT DISTINCT resource_id FROM heartbeats WHERE bucket_s >= ? AND bucket_s <= ?",
        [from_s, window.to_ms // 1000],
    ).fetchall()
    heard = {resource_id for (resource_id,) in rows}
    return [one for one in series if not heard.isdisjoint(one.streams)]


def _derived(source: StoreSource, matchers: Sequence[Matcher], window: Window) -> Iterator[Labels]:
    found = source.edges(matchers)
    if not found or window.from_ms > source.now_ms:
        return
    to_s = min(window.to_ms, source.now_ms) // 1000 + 1
    counted = {table: _edges_before(source, table, to_s) for table in ("sli", "latency")}
    fits = fits_open("le", matchers)
    for one in found:
        table = "latency" if one.family.measure in LATENCIES else "sli"
        if counted[table].isdisjoint(edge.edge_id for edge in one.edges):
            continue
        yield from _bucketed(one, [le for le in bounds_of(one.family) if fits(le)])


def _bucketed(one: EdgeSeries, les: Sequence[str]) -> Iterator[Labels]:
    if one.open_label is None:
        yield one.labels
    for le in les:
        yield tuple(sorted((*one.labels, ("le", le))))


def _edges_before(source: StoreSource, table: str, to_s: int) -> set[int]:
    rows = source.cursor.execute(
        f"SELECT DISTINCT edge_id FROM {table}_1h WHERE bucket_s < ?", [to_s]
    ).fetchall()
    return {edge_id for (edge_id,) in rows}
