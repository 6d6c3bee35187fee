"""Work that can be stopped: in a thread of a bounded pool, until a deadline or the client leaves.

Never knows what it runs. The work asks ``Stop.check`` between its steps; a scan that is under way
in the engine is interrupted. What waits for a free thread waits no longer than its deadline.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import duckdb
from fastapi import Request

from collector.promql.errors import QueryCanceled, QueryTimedOut

CONCURRENCY: Final = 20
TIMEOUT_S: Final = 120.0
"""Prometheus's defaults."""
_LOOK_S: Final = 0.25
"""How often it is looked whether the client is still there."""

Result = TypeVar("Result")


class Interruptible(Protocol):
    """A database connection whose statement another thread can end."""

    def interrupt(self) -> None:
        """End the statement that runs."""


@dataclass(slots=True)
class Stop:
    """Why a query must end, if it must; shared by its thread and the event loop."""

    deadline_s: float
    _has_left: bool = False
    _scanning: Interruptible | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """Raise QueryCanceled or QueryTimedOut when the work must end."""
        if self._has_left:
            raise QueryCanceled("query was canceled in query execution")
        if self.is_late():
            raise QueryTimedOut("query timed out in expression evaluation")

    def is_late(self) -> bool:
        """Tell whether the deadline has passed."""
        return time.monotonic() >= self.deadline_s

    def leave(self) -> None:
        """Note that nobody waits for the answer."""
        self._has_left = True
        self.interrupt()

    def interrupt(self) -> None:
        """End the scan that is under way."""
        with self._lock:
            if self._scanning is not None:
                self._scanning.interrupt()

    @contextlib.contextmanager
    def scanning(self, connection: Interruptible) -> Iterator[None]:
        """Let scans of this connection be interrupted; the reason is then told by ``check``."""
        self.check()
        with self._lock:
            self._scanning = connection
        try:
            yield
        except duckdb.InterruptException:
            self.check()
            raise
        finally:
            with self._lock:
                self._scanning = None


@dataclass(frozen=True, slots=True)
class Pool:
    """Threads for queries."""

    timeout_s: float = TIMEOUT_S
    threads: Executor = field(
        default_factory=lambda: ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="promql")
    )

    async def run(
        self, request: Request, work: Callable[[Stop], Result], timeout_s: float | None = None
    ) -> Result:
        """Return what the work returns; QueryTimedOut or QueryCanceled when it was stopped.

        A timeout can only shorten the pool's own.
        """
        allowed_s = min(timeout_s or self.timeout_s, self.timeout_s)
        stop = Stop(time.monotonic() + allowed_s)
        pending = self.threads.submit(work, stop)
        try:
            return await _watched(request, stop, pending)
        except asyncio.CancelledError:
            stop.leave()
            pending.cancel()
            raise


async def _watched(request: Request, stop: Stop, pending: Future[Result]) -> Result:
    """Wait for the result; end the work when it is late, or nobody waits any more."""
    waiting = asyncio.wrap_future(pending)
    while not waiting.done():
        left_s = stop.deadline_s - time.monotonic()
        await asyncio.wait([waiting], timeout=min(max(left_s, 0.01), _LOOK_S))
        if waiting.done():
            break
        if stop.is_late():
            if pending.cancel():
                raise QueryTimedOut("query timed out in query queue")
            stop.interrupt()
        elif await request.is_disconnected():
            stop.leave()
            pending.cancel()
            raise QueryCanceled("query was canceled in query execution")
    return await waiting
