"""A silence that lasts as long as a block of code: made before, prolonged, ended whatever happens.

It is a lease: it is made for a few minutes and prolonged while the block runs, so that even a
machine that loses power leaves alerts silenced for no longer than that.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from alerts.silencing.silences import (
    AlertmanagerFailed,
    Matcher,
    SilenceRefused,
    change_silence,
    create_silence,
    end_silence,
)

_LOG: Final = logging.getLogger(__name__)
LEASE_S: Final = 300.0


@contextmanager
def silenced(
    url: str,
    matchers: Sequence[Matcher],
    *,
    by: str,
    why: str,
    now_ms: Callable[[], int],
    lease_s: float = LEASE_S,
    tell: Callable[[str], None] = _LOG.warning,
) -> Iterator[str]:
    """Silence what matches until the block ends; give the id.

    Raises SilenceRefused and AlertmanagerFailed before the block begins. ``tell`` is called when a
    silence could not be prolonged, or not be ended: then it ends by itself with its lease.
    """
    lease_ms = round(lease_s * 1000)
    begin_ms = now_ms()
    name = create_silence(
        url, matchers, from_ms=begin_ms, to_ms=begin_ms + lease_ms, by=by, why=why
    )
    names = [name]
    over = threading.Event()

    def prolong() -> None:
        while not over.wait(lease_s / 3):
            try:
                names[0] = change_silence(url, names[0], to_ms=now_ms() + lease_ms)
            except (SilenceRefused, AlertmanagerFailed) as error:
                tell(f"the silence {names[0]} could not be prolonged: {error}")

    thread = threading.Thread(target=prolong, name="silence", daemon=True)
    thread.start()
    try:
        yield names[0]
    finally:
        over.set()
        thread.join()
        try:
            end_silence(url, names[0])
        except (SilenceRefused, AlertmanagerFailed) as error:
            told = f"could not be ended, it ends within {lease_s:.0f} s"
            tell(f"the silence {names[0]} {told}: {error}")
