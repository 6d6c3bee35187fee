"""What waits for one Alertmanager: the last notice of each alert, oldest first.

A newer notice takes the place of an older one of its alert, so that an Alertmanager that was away
hears how things are, once, and of every alert that ended meanwhile. Bounded: beyond that the
oldest go, and the evaluation tells of what still fires again. Safe to use from several threads.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from alerts.evaluation.sending import Notice
from collector.promql.samples import Labels

MOST: Final = 10_000
"""Alerts that may wait, as in Prometheus."""


class Outbox:
    """Filled by the evaluation, emptied by a sender."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._waiting: dict[Labels, Notice] = {}
        self._changed = threading.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, notices: Iterable[Notice]) -> int:
        """Add notices; return how many old ones had to go."""
        dropped = 0
        with self._changed:
            for notice in notices:
                self._waiting.pop(notice.labels, None)
                self._waiting[notice.labels] = notice
            while len(self._waiting) > self._most:
                del self._waiting[next(iter(self._waiting))]
                dropped += 1
            self._changed.notify()
        return dropped

    def peek(self, most: int, timeout_s: float | None = None) -> list[Notice]:
        """Return the oldest notices, when there are any; [] after the time, or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed, timeout_s)
            return list(self._waiting.values())[:most]

    def done(self, notices: Sequence[Notice]) -> None:
        """Take out what was delivered, but for what a newer notice has replaced meanwhile."""
        with self._changed:
            for notice in notices:
                if self._waiting.get(notice.labels) is notice:
                    del self._waiting[notice.labels]

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
