"""How many requests, and how many of their bytes, may be in flight: the bound that keeps us alive.

One gate may stand before several listeners. Never waits: who does not fit is told to come again,
which a sender understands better than a connection that hangs.
"""

import threading
from types import TracebackType
from typing import Final, Self

from collector.receiver.errors import MemoryExhausted, TooManyRequests

MAX_REQUESTS: Final = 256
MAX_BYTES: Final = 256 * 2**20


class Admission:
    """Counts what is in flight. ``refused`` is the number turned away since the start."""

    def __init__(self, max_requests: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES) -> None:
        self.max_requests, self.max_bytes = max_requests, max_bytes
        self.requests = self.bytes = self.refused = 0
        self._lock = threading.Lock()

    def enter(self) -> "Ticket":
        """Let a request in; raise TooManyRequests. Leave by closing the ticket."""
        with self._lock:
            if self.requests >= self.max_requests:
                self.refused += 1
                raise TooManyRequests(self.max_requests)
            self.requests += 1
        return Ticket(self)

    def hold(self, size: int) -> None:
        """Charge bytes; raise MemoryExhausted. One request alone may always have its own."""
        with self._lock:
            if self.bytes + size > self.max_bytes and self.requests > 1:
                self.refused += 1
                raise MemoryExhausted(self.max_bytes)
            self.bytes += size

    def leave(self, size: int) -> None:
        """Give back one place and the bytes of its request."""
        with self._lock:
            self.requests -= 1
            self.bytes -= size


class Ticket:
    """The place of one request; a context manager that gives it back."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._held_bytes = 0

    def hold(self, size: int) -> None:
        """Charge bytes to this request; raise MemoryExhausted."""
        self._admission.hold(size)
        self._held_bytes += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._admission.leave(self._held_bytes)
