"""Checkpoints by size and by time, in a thread of their own, outside of any commit.

DuckDB would write a checkpoint inside the commit that fills the log, and if the disk is full, the
failure invalidates the database. Here the log grows to ``wal_bytes``, then its content moves into
the file; never when the disk may not have the room. Queries go on meanwhile, but a commit that
meets a checkpoint waits for most of it, and that takes as long as the log is large: so the log is
kept short. It also bounds how long opening takes after a kill.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from collector.store.disk import DiskWatch
from collector.telemetry import Histogram

_LOG: Final = logging.getLogger(__name__)
_MIB: Final = 2**20
_RETRY_S: Final = 5.0
_YIELD_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class CheckpointPolicy:
    """``margin_bytes`` must be free beyond twice the log, or the checkpoint waits.

    Beyond ``most_wal_bytes`` the writer takes nothing until a checkpoint succeeds.
    """

    wal_bytes: int = 128 * _MIB
    most_wal_bytes: int = 256 * _MIB
    every_s: float = 600.0
    look_every_s: float = 0.2
    margin_bytes: int = 32 * _MIB


DEFAULT_POLICY: Final = CheckpointPolicy()


@dataclass(slots=True)
class CheckpointStats:
    """How checkpoints went since the start."""

    done: int = 0
    put_off: int = 0
    """Somebody else had a writing transaction open; it is tried again at the next look."""
    failed: int = 0
    last_seconds: float = 0.0
    longest_seconds: float = 0.0
    seconds: Histogram = field(default_factory=Histogram)


def wal_bytes(path: Path | None) -> int:
    """Return the size of the log beside a file; 0 when there is none."""
    try:
        return 0 if path is None else path.with_name(f"{path.name}.wal").stat().st_size
    except FileNotFoundError:
        return 0


class Checkpointer:
    """Watches the log of one file. ``on_fatal`` is called once if the database is invalidated."""

    def __init__(
        self,
        path: Path,
        cursor: duckdb.DuckDBPyConnection,
        disk: DiskWatch,
        on_fatal: Callable[[str], None],
        policy: CheckpointPolicy = DEFAULT_POLICY,
    ) -> None:
        self._path, self._cursor, self._disk, self._policy = path, cursor, disk, policy
        self._on_fatal = on_fatal
        self.stats = CheckpointStats()
        self.wal_bytes = 0
        self._last_s = time.monotonic()
        self._is_wanted = False
        self._turn = threading.Lock()
        self._is_waiting = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-checkpoints", daemon=True)
        self._thread.start()

    def want(self) -> None:
        """Ask for a checkpoint soon: rows were deleted, and only that frees their blocks."""
        self._is_wanted = True

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep checkpoints out while the caller has a transaction open, and let one go first.

        DuckDB refuses a checkpoint beside a writing transaction, and a busy writer always has one.
        """
        while self._is_waiting:
            time.sleep(_YIELD_S)
        with self._turn:
            yield

    def close(self) -> None:
        """Let a running checkpoint end, then stop."""
        self._stop.set()
        self._thread.join()
        self._cursor.close()

    def _run(self) -> None:
        while not self._stop.wait(self._policy.look_every_s):
            if self._is_due() and not self._checkpoint():
                self._stop.wait(_RETRY_S)

    def _is_due(self) -> bool:
        self.wal_bytes = size = wal_bytes(self._path)
        is_old = time.monotonic() - self._last_s >= self._policy.every_s
        if not size or not (size >= self._policy.wal_bytes or is_old or self._is_wanted):
            return False
        free = self._disk.free()
        return free is None or free >= 2 * size + self._policy.margin_bytes

    def _checkpoint(self) -> bool:
        was_wanted, self._is_wanted = self._is_wanted, False
        started_s = time.monotonic()
        try:
            self._is_waiting = True
            with self._turn:
                self._is_waiting = False
                self._cursor.execute("CHECKPOINT")
        except duckdb.TransactionException:
            self.stats.put_off += 1
            self._is_wanted |= was_wanted
        except (duckdb.FatalException, duckdb.InternalException) as error:
            self.stats.failed += 1
            self._on_fatal(str(error))
            self._stop.set()
        except duckdb.Error:
            self.stats.failed += 1
            _LOG.exception("the checkpoint failed; the log grows until one succeeds")
            return False
        else:
            self._last_s = time.monotonic()
            self.stats.done += 1
            self.stats.last_seconds = self._last_s - started_s
            self.stats.longest_seconds = max(self.stats.longest_seconds, self.stats.last_seconds)
            self.stats.seconds.observe(self.stats.last_seconds)
        return True
