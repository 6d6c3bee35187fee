"""What waits for the writing thread: requests, handed out in groups, and errands between commits.

Bounded by the bytes of requests: Overloaded is raised before memory is. A group is what came within
a short window of its first request; those that have waited for company elsewhere end the window.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import duckdb

from collector.store.acks import Ack, Together
from collector.store.errors import Overloaded, StoreClosed
from collector.store.pacing import Pace

Errand = Callable[[duckdb.DuckDBPyConnection], None]
"""Takes the writer's cursor, with no transaction open; leaves none open."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests that are kept or fail together, and who waits for the answers."""

    together: Together
    done: Future[tuple[Ack, ...]] = field(default_factory=Future)


class GroupQueue:
    """Taken from by one thread, put into by all."""

    def __init__(self, *, window_s: float, group_rows: int, most_bytes: int) -> None:
        self.pace = Pace(window_s)
        """Told by the writer of each commit."""
        self._group_rows, self._most_bytes = group_rows, most_bytes
        self._asked: deque[Asked] = deque()
        self._errands: deque[tuple[Errand, Future[None]]] = deque()
        self._rows = 0
        self.held_bytes = 0
        """Bytes of requests that have no answer yet."""
        self._is_urgent = self._is_closed = False
        self._changed = threading.Condition()

    def put(self, together: Together, *, is_urgent: bool = False) -> Future[tuple[Ack, ...]]:
        """Queue requests; raise Overloaded or StoreClosed. Urgent ones wait for no company."""
        asked, size = Asked(together), together.batch.body_bytes
        with self._changed:
            self._check_open()
            if self.held_bytes and self.held_bytes + size > self._most_bytes:
                raise Overloaded(self.held_bytes, self._most_bytes)
            self._asked.append(asked)
            self._rows += together.batch.rows
            self.held_bytes += size
            self._is_urgent |= is_urgent
            self._changed.notify()
        return asked.done

    def put_errand(self, work: Errand) -> Future[None]:
        """Queue work between two commits; raise StoreClosed."""
        done: Future[None] = Future()
        with self._changed:
            self._check_open()
            self._errands.append((work, done))
            self._changed.notify()
        return done

    def close(self) -> None:
        """Take nothing more; what is queued is still handed out."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def next_group(self, idle_s: Callable[[], float]) -> list[Asked] | None:
        """Wait for requests; [] when there is other work, None when closed and drained.

        ``idle_s`` says how long there is none but what comes.
        """
        with self._changed:
            while not self._asked:
                if self._errands or (not self._is_closed and idle_s() <= 0):
                    return []
                if self._is_closed:
                    return None
                self._changed.wait(idle_s())
            deadline_s = time.monotonic() + self.pace.window_s
            while not self._is_ready() and (left_s := deadline_s - time.monotonic()) > 0:
                self._changed.wait(left_s)
            return self._taken()

    def next_errand(self) -> tuple[Errand, Future[None]] | None:
        """Return the oldest errand; None when there is none."""
        with self._changed:
            return self._errands.popleft() if self._errands else None

    def answered(self, group: list[Asked]) -> None:
        """Give back the bytes of a group."""
        with self._changed:
            self.held_bytes -= sum(asked.together.batch.body_bytes for asked in group)

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosed("the store is closing; send to another collector, or later")

    def _is_ready(self) -> bool:
        return self._is_closed or self._is_urgent or self._rows >= self._group_rows

    def _taken(self) -> list[Asked]:
        group: list[Asked] = []
        rows = 0
        while self._asked and (not group or rows < self._group_rows):
            group.append(self._asked.popleft())
            rows += group[-1].together.batch.rows
        self._rows -= rows
        self._is_urgent = False
        return group
