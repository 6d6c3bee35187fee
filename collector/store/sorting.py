"""Points that are over are rewritten sorted by series and time, whole row groups at a time.

Points come in the order of time, a few of each series: a query for some series would read those of
all. When enough are older than the grace time, they move, in slices of one row group, to the end of
their table, where a row group has few series and is skipped by queries for others. A slice is one
transaction of the writing thread, so that a kill loses nothing, a reader finds each point once, and
of points of one moment the later one stays behind the earlier one: the last that came wins. Late
points are sorted with those that come next. Never changes a point.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Final

import duckdb
import numpy as np

from collector.store.errors import StoreError
from collector.store.group_queue import Errand
from collector.store.store import Store

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 10**9
_MINUTE_NS: Final = 60 * _SECOND_NS
ROW_GROUP_ROWS: Final = 122_880
"""DuckDB takes so many over as one row group; fewer it would mix with what others insert."""
_KEY: Final = "series_id, time_ns, start_ns, value_int, value_double"


@dataclass(frozen=True, slots=True)
class SortingSettings:
    """``grace_s``: what is younger may still get company, and waits.

    ``stretch_rows`` are sorted together, once there are so many: more make longer runs of each
    series, but each slice looks at all of them. After a slice there is a rest, ``rests`` times as
    long, for those who wait to be committed.
    """

    grace_s: int = 900
    every_s: float = 60.0
    stretch_rows: int = 2_000_000
    slice_rows: int = ROW_GROUP_ROWS
    rests: float = 3.0


DEFAULT_SORTING: Final = SortingSettings()


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Which points are to be sorted together, and in which series each slice of them ends."""

    until: str
    last_series: tuple[int, ...]


class Sorter:
    """Sorts what is due, in a thread of its own once started; the writing thread moves the rows.

    ``between`` has work done there, as ``Writer.between`` does. ``has_room`` tells whether the disk
    can take a copy of a slice.
    """

    def __init__(
        self,
        store: Store,
        between: Callable[[Errand], Future[None]],
        settings: SortingSettings = DEFAULT_SORTING,
        *,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._between, self._settings, self._has_room = between, settings, has_room
        self._clock_ns = store.clock_ns
        self._cursor = store.cursor()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to sort by the clock."""
        self._thread = threading.Thread(target=self._run, name="store-sorter", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the slice at hand and stop."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._cursor.close()

    def run_once(self) -> int:
        """Sort all that is due; return the number of slices."""
        done = 0
        before_ns = self._clock_ns() - self._settings.grace_s * _SECOND_NS
        while (stretch := _next(self._cursor, before_ns, self._settings)) is not None:
            for last_series in stretch.last_series:
                if self._stopped.is_set() or not self._has_room():
                    return done
                began_s = time.monotonic()
                rows = self._settings.slice_rows
                self._between(partial(_move, stretch.until, last_series, rows)).result()
                done += 1
                self._stopped.wait((time.monotonic() - began_s) * self._settings.rests)
        return done

    def _run(self) -> None:
        while not self._stopped.wait(self._settings.every_s):
            try:
                self.run_once()
            except StoreError:
                _LOG.debug("points wait to be sorted: the store takes nothing now")
            except duckdb.Error:
                _LOG.exception("points could not be sorted; nothing is lost, it is tried again")


def sorting(
    store: Store,
    between: Callable[[Errand], Future[None]],
    settings: SortingSettings = DEFAULT_SORTING,
    *,
    has_room: Callable[[], bool] = lambda: True,
) -> closing[Sorter]:
    """Return a started sorter for a ``with`` statement."""
    sorter = Sorter(store, between, settings, has_room=has_room)
    sorter.start()
    return closing(sorter)


def _next(
    cursor: duckdb.DuckDBPyConnection, before_ns: int, settings: SortingSettings
) -> _Stretch | None:
    """Return the oldest points that make whole slices, when there are enough of them."""
    slices = max(settings.stretch_rows // settings.slice_rows, 1)
    until = _end(cursor, before_ns, slices * settings.slice_rows)
    if until is None:
        return None
    series = cursor.execute(
        f"SELECT series_id, count(*) AS rows FROM metric_points WHERE {until}"
        " GROUP BY ALL ORDER BY ALL"
    ).to_arrow_table()
    totals = np.cumsum(series["rows"].to_numpy())
    ends = np.searchsorted(totals, np.arange(1, slices + 1) * settings.slice_rows)
    return _Stretch(until, tuple(series["series_id"].to_numpy()[ends].tolist()))


def _end(cursor: duckdb.DuckDBPyConnection, before_ns: int, rows: int) -> str | None:
    """Return the condition of the first so many points by time; None when there are fewer."""
    minutes = cursor.execute(
        f"SELECT time_ns // {_MINUTE_NS} AS minute, count(*) AS rows FROM metric_points"
        " WHERE is_sorted = 0 AND time_ns < ? GROUP BY ALL ORDER BY ALL",
        [before_ns],
    ).to_arrow_table()
    totals = np.cumsum(minutes["rows"].to_numpy())
    if not len(totals) or totals[-1] < rows:
        return None
    place = int(np.searchsorted(totals, rows))
    from_ns = minutes["minute"][place].as_py() * _MINUTE_NS
    earlier = int(totals[place - 1]) if place else 0
    found = cursor.execute(
        "SELECT time_ns, series_id FROM metric_points WHERE is_sorted = 0 AND time_ns >= ?"
        " AND time_ns < ? ORDER BY ALL LIMIT 1 OFFSET ?",
        [from_ns, min(from_ns + _MINUTE_NS, before_ns), rows - earlier - 1],
    ).fetchone()
    if found is None:
        return None
    time_ns, series_id = found
    return (
        f"is_sorted = 0 AND time_ns <= {time_ns}"
        f" AND (time_ns < {time_ns} OR series_id <= {series_id})"
    )


def _move(until: str, last_series: int, slice_rows: int, cursor: duckdb.DuckDBPyConnection) -> None:
    """Move the first ``slice_rows`` points by series and time, and all of the last one's moment.

    What came or went since the stretch was chosen does not matter; fewer points stay as they are.
    """
    due = f"{until} AND series_id <= {last_series}"
    cursor.begin()
    try:
        rows = cursor.execute(_sorted_sql(due, f"LIMIT {slice_rows}")).to_arrow_table()
        if len(rows) < slice_rows:
            cursor.rollback()
            return
        series_id, time_ns = (rows[name][-1].as_py() for name in ("series_id", "time_ns"))
        due += f" AND (series_id < {series_id} OR series_id = {series_id} AND time_ns <= {time_ns})"
        is_all = _deleted(cursor, due) == slice_rows
        if not is_all:  # some of the last moment are left: they must not come before the others
            cursor.rollback()
            cursor.begin()
            rows = cursor.execute(_sorted_sql(due)).to_arrow_table()
            _deleted(cursor, due)
        cursor.execute(f"INSERT INTO metric_points ({_KEY}, is_sorted) SELECT {_KEY}, 1 FROM rows")
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise


def _sorted_sql(due: str, limit: str = "") -> str:
    order = "ORDER BY series_id, time_ns, rowid"
    return f"SELECT {_KEY} FROM metric_points WHERE {due} {order} {limit}"


def _deleted(cursor: duckdb.DuckDBPyConnection, due: str) -> int:
    row = cursor.execute(f"DELETE FROM metric_points WHERE {due}").fetchone()
    return 0 if row is None else int(row[0])
