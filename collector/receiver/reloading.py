"""A value made from files, made anew when they change: certificates and tokens without a restart.

Looked at when used, so that there is no watcher to die unseen. Files that cannot be used, such as
half of a replaced pair, leave the last good value in force; that is logged once for each change.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from collector.receiver.errors import BadCredentialFile

_LOG: Final = logging.getLogger(__name__)
T = TypeVar("T")
_Stamp = tuple[tuple[int, int, int] | None, ...]


class Reloading(Generic[T]):
    """``load`` raises BadCredentialFile; the first time, so does the constructor."""

    def __init__(self, paths: tuple[Path, ...], load: Callable[[], T]) -> None:
        self._paths, self._load = paths, load
        self._lock = threading.Lock()
        self._stamp = _stamp(paths)
        self._value = load()

    def current(self) -> T:
        """Return the value of the files as they are, or as they last were good."""
        stamp = _stamp(self._paths)
        if stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._stamp = stamp
                    self._reload()
        return self._value

    def _reload(self) -> None:
        try:
            self._value = self._load()
        except BadCredentialFile as error:
            _LOG.warning("the files as they were before stay in force: %s", error)
        else:
            _LOG.info("read anew: %s", ", ".join(map(str, self._paths)))


def _stamp(paths: tuple[Path, ...]) -> _Stamp:
    return tuple(_identity(path) for path in paths)


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
