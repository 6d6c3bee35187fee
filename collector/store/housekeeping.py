"""What the writer does between two commits, once in a while: a list of steps, each for itself.

A step that fails is logged and tried again at its next turn; the others still run. Senders wait
while a step works, so that what takes long belongs into a thread of its own, and only the short
change of tables here. Knows no step: the composition root and the writer name them.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import duckdb

_LOG: Final = logging.getLogger(__name__)

Step = Callable[[duckdb.DuckDBPyConnection, int], None]
"""Takes the writer's cursor, with no transaction open, and now in ns; leaves none open."""


class Housekeeping:
    """Steps by name, and when they are due again."""

    def __init__(self, steps: Sequence[tuple[str, Step]], *, every_s: float) -> None:
        self._steps, self._every_s = tuple(steps), every_s
        self._next_s = time.monotonic() + every_s

    def due_in_s(self) -> float:
        """Return the seconds until the next round; 0 or less when it is time."""
        return self._next_s - time.monotonic()

    def run(self, cursor: duckdb.DuckDBPyConnection, now_ns: int) -> None:
        """Do all steps once. Raises only what has invalidated the database."""
        for name, step in self._steps:
            try:
                step(cursor, now_ns)
            except (duckdb.FatalException, duckdb.InternalException):
                raise
            except Exception:  # noqa: BLE001 - a step is anybody's; the others go on
                _LOG.exception("housekeeping: %s failed; it is tried again", name)
                _end_transaction(cursor)
        self._next_s = time.monotonic() + self._every_s


def _end_transaction(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.rollback()
    except duckdb.TransactionException:
        _LOG.debug("the failed step has already ended its transaction")
