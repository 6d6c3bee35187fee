"""The store -> a trial: the canonical counts of two versions of a service, as every page has them.

Holds no SQL (``collector.store.reader`` does) and never judges. A request counts for the version
that the caller's proxy sent it to; one that never reached a version counts for neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from collector.edges import LATENCY_BUCKETS, is_error
from collector.semconv import UNKNOWN
from collector.store import reader
from slo.canary.policy import LOOKBACK_S
from slo.canary.strata import PERIODS, newest_look, period_s, strata, taken
from slo.canary.trial import BASELINE, BUCKET_S, CANARY, Histograms, Ints, Look, Rows, Trial

_NO_VERSION: Final = ("", UNKNOWN)
_BUCKETS: Final = LATENCY_BUCKETS + 2

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which versions of which service, and when; no ``from_s``: since the canary's first request.

    ``source`` and ``route`` narrow it to one caller or route.
    """

    service: str
    canary: str
    baseline: str
    to_s: int
    from_s: int | None = None
    source: str | None = None
    route: str | None = None


def read_trial(cursor: duckdb.DuckDBPyConnection, asked: Asked, first_look: int) -> Trial:
    """Read what the store knows in whole buckets, and the newest look that it allows."""
    to_s = asked.to_s // BUCKET_S * BUCKET_S
    known = asked.from_s if asked.from_s is not None else to_s - LOOKBACK_S
    from_s = -(-known // BUCKET_S) * BUCKET_S
    only = _only(asked)
    table = reader.edge_counts(
        cursor, from_s, to_s, by=("source", "route", "version"), step_s=BUCKET_S, only=only
    )
    pairs = _pairs(table)
    rows, versions = _rows(table, asked, pairs), _versions(table)
    if asked.from_s is None:
        mine = rows.bucket_s[rows.version == CANARY]
        from_s = int(mine.min()) if len(mine) else from_s
        rows = rows.since(from_s)
    histograms = _histograms(cursor, (from_s, to_s), None, asked, pairs)
    return Trial(
        service=asked.service,
        canary=asked.canary,
        baseline=asked.baseline,
        from_s=from_s,
        to_s=to_s,
        rows=rows,
        latency=histograms.counts.sum(axis=0),
        look=_look(cursor, from_s, rows, asked, pairs, first_look),
        versions=versions,
    )


def read_versions(
    cursor: duckdb.DuckDBPyConnection, service: str, from_s: int, to_s: int
) -> dict[str, int]:
    """Return the versions of a service that were asked, with their requests, the most first."""
    only = {"destination": service}
    return _versions(reader.edge_counts(cursor, from_s, to_s, by=("version",), only=only))


def _look(
    cursor: duckdb.DuckDBPyConnection,
    from_s: int,
    rows: Rows,
    asked: Asked,
    pairs: Sequence[Pair],
    first: int,
) -> Look | None:
    found = newest_look(rows, first)
    if found is None:
        return None
    number, to_s = found
    window = (from_s, to_s)
    return taken(number, window, rows, _histograms(cursor, window, period_s(*window), asked, pairs))


def _only(asked: Asked) -> dict[str, str]:
    chosen = {"destination": asked.service, "source": asked.source, "route": asked.route}
    return {name: value for name, value in chosen.items() if value is not None}


def _pairs(table: pa.Table) -> list[Pair]:
    return sorted(_coded_pairs(table)[0])


def _coded_pairs(table: pa.Table) -> tuple[list[Pair], Ints]:
    """Return the distinct callers with routes, and which of them each row has."""
    (sources, source), (routes, route) = _coded(table, "source"), _coded(table, "route")
    codes, index = np.unique(source * max(len(routes), 1) + route, return_inverse=True)
    names = [(sources[code // len(routes)], routes[code % len(routes)]) for code in codes.tolist()]
    return names, np.asarray(index, dtype=np.int64)


def _coded(table: pa.Table, name: str) -> tuple[list[str], Ints]:
    """Return the distinct texts of a column and each row's place among them; rows are many."""
    if not table.num_rows:
        return [], np.empty(0, dtype=np.int64)
    found = table.column(name).combine_chunks().dictionary_encode()
    return found.dictionary.to_pylist(), np.asarray(found.indices.to_numpy(), dtype=np.int64)


def _rows(table: pa.Table, asked: Asked, pairs: Sequence[Pair]) -> Rows:
    version, pair, kept = _numbered(table, asked, pairs)
    return Rows(
        _ints(table, "bucket_s")[kept],
        pair[kept],
        version[kept],
        *(_ints(table, name)[kept] for name in ("requests", "errors", "retries")),
    )


def _versions(table: pa.Table) -> dict[str, int]:
    names, code = _coded(table, "version")
    sums = np.zeros(len(names), dtype=np.int64)
    np.add.at(sums, code, _ints(table, "requests"))
    found = {name: int(one) for name, one in zip(names, sums, strict=True) if one}
    known = {name: one for name, one in found.items() if name not in _NO_VERSION}
    return dict(sorted(known.items(), key=lambda one: (-one[1], one[0])))


def _histograms(
    cursor: duckdb.DuckDBPyConnection,
    window: tuple[int, int],
    step_s: int | None,
    asked: Asked,
    pairs: Sequence[Pair],
) -> Histograms:
    """Read latencies of requests that did not fail: a quick failure is no speed."""
    by = ("source", "route", "version", "code")
    table = reader.edge_latency(cursor, *window, by=by, step_s=step_s, only=_only(asked))
    version, pair, kept = _numbered(table, asked, pairs)
    codes, place = np.unique(_ints(table, "code"), return_inverse=True)
    kept &= ~np.array([is_error(int(code)) for code in codes], dtype=bool)[place]
    at_s = np.full(len(kept), window[0]) if step_s is None else _ints(table, "bucket_s")
    stratum = strata(pair, at_s, window[0], step_s or 1)
    counts = np.zeros((len(pairs) * PERIODS, 2, _BUCKETS), dtype=np.int64)
    bucket = _ints(table, "latency_bucket")[kept]
    np.add.at(counts, (stratum[kept], version[kept], bucket), _ints(table, "count")[kept])
    return Histograms(counts)


def _numbered(
    table: pa.Table, asked: Asked, pairs: Sequence[Pair]
) -> tuple[Ints, Ints, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return each row's version and pair as numbers, and whether it is of one of the versions."""
    (names, code), (found, place) = _coded(table, "version"), _coded_pairs(table)
    chosen = {asked.canary: CANARY, asked.baseline: BASELINE}
    version = np.array([chosen.get(name, -1) for name in names], dtype=np.int64)[code]
    number = {pair: at for at, pair in enumerate(pairs)}
    pair = np.array([number.get(one, -1) for one in found], dtype=np.int64)[place]
    return version, pair, np.asarray((version >= 0) & (pair >= 0), dtype=bool)


def _ints(table: pa.Table, name: str) -> Ints:
    return np.asarray(table.column(name).to_numpy(), dtype=np.int64)
