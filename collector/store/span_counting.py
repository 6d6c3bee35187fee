"""The thread that reads stored spans for their edges, while the writer goes on committing.

Only reads: what it finds is put into the rollups by the writer, between two commits.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

import duckdb

from collector.store.errors import StoreError
from collector.store.span_edges import Stretch, read_stretch

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 10**9
_REST: Final = 20
"""Times as long as a read took it rests: the share of a processor that edges may have."""
_LONGEST_S: Final = 60.0


class SpanCounting:
    """Looks every ``every_s`` seconds, or less often; ``close`` it before its cursor's store.

    Each read goes over the minute around its stretch as well, so that short stretches of many spans
    cost most: after one that took long, more is left to come together.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        *,
        watch: Callable[[], None],
        put: Callable[[Stretch], Future[None]],
        clock_ns: Callable[[], int],
        every_s: float,
    ) -> None:
        """Start the thread. ``watch`` is called before each read, ``put`` with what it found."""
        self._cursor, self._watch, self._put = cursor, watch, put
        self._clock_ns, self._every_s = clock_ns, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="span-counting", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Break off a read, stop."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._cursor.interrupt()
        self._thread.join()
        self._cursor.close()

    def _run(self) -> None:
        pause_s = self._every_s
        while not self._stop.wait(pause_s):
            began_s = time.monotonic()
            try:
                while not self._stop.is_set() and self._count():
                    pass
            except (StoreError, duckdb.InterruptException):
                _LOG.debug("the edges of spans wait: the store takes nothing now")
            except Exception:  # noqa: BLE001 - tried again at the next turn, from the same mark
                _LOG.exception("the edges of spans could not be counted; it is tried again")
            took_s = time.monotonic() - began_s
            pause_s = max(self._every_s, min(took_s * _REST, _LONGEST_S))

    def _count(self) -> bool:
        """Count one stretch; False when there is none."""
        self._watch()
        stretch = read_stretch(self._cursor, self._clock_ns() // _SECOND_NS)
        if stretch is None:
            return False
        self._put(stretch).result()
        return True
