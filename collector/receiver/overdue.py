"""Cuts off gRPC calls whose message does not come: each of them holds a thread.

gRPC has no deadline of the server's own. One thread looks every so often; a call that is cut is
CANCELLED, which a sender may try again.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any


class Overdue:
    """Watches calls while their message is awaited; ``after_s`` is the time they have."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._waiting: dict[int, tuple[float, Any]] = {}
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp-grpc-overdue", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def watch(self, context: Any) -> Iterator[None]:
        """Cancel the call unless the block ends in time."""
        key = id(context)
        with self._lock:
            self._waiting[key] = (time.monotonic() + self._after_s, context)
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(key, None)

    def close(self) -> None:
        """Stop watching."""
        self._is_closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_closed.wait(min(self._after_s / 2, 1.0)):
            now_s = time.monotonic()
            with self._lock:
                late = [context for due_s, context in self._waiting.values() if due_s <= now_s]
            for context in late:
                context.cancel()
