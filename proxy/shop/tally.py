"""The ledger while it is being written: counted as answers arrive, on disk every second.

One event loop uses a tally; it is not for threads. The last write is its owner's, after the loop
has ended, when nothing can be in flight any more.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from proxy.shop.ledger import Exchange, Ledger, save

SAVE_EVERY_S: Final = 1.0


class Tally:
    """Counts exchanges of one process."""

    def __init__(self) -> None:
        self._counts: Counter[Exchange] = Counter()
        self._not_sent = 0

    def record(self, exchange: Exchange) -> None:
        """Count one finished exchange."""
        self._counts[exchange] += 1

    def skip(self) -> None:
        """Count one request that was due and not sent."""
        self._not_sent += 1

    def ledger(self, *, is_final: bool) -> Ledger:
        """Return what has been counted so far; it does not change any more."""
        return Ledger(dict(self._counts), self._not_sent, is_final)


@contextlib.asynccontextmanager
async def saved_regularly(tally: Tally, path: Path) -> AsyncIterator[None]:
    """Keep the file up to date while the body runs; a write that failed is raised at its end."""
    first = tally.ledger(is_final=False)
    save(first, path)
    saver = asyncio.create_task(_save_changes(tally, path, saved=first))
    try:
        yield
    finally:
        saver.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await saver


async def _save_changes(tally: Tally, path: Path, *, saved: Ledger) -> None:
    while True:
        await asyncio.sleep(SAVE_EVERY_S)
        current = tally.ledger(is_final=False)
        if current != saved:
            save(current, path)
            saved = current
