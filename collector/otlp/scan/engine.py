"""Compiled once for each machine and version; until then the reference decoder does the work.

The machine code is kept beside the sources, or in the user's cache when that is read-only, in a
folder named by a hash of the sources: a change of one file must not meet the old code of another.
"""

import hashlib
import importlib
import logging
import threading
from pathlib import Path
from typing import Any, Final

_LOG: Final = logging.getLogger(__name__)
_SOURCES: Final = ("primitives.py", "attributes.py", "spans.py")
_LOCK: Final = threading.Lock()


class Engine:
    """The compiled function when it is ready; asking for it begins the work."""

    def __init__(self) -> None:
        self._scan: Any = None
        self._thread: threading.Thread | None = None

    def scan(self) -> Any:
        """Return the compiled function, or None while it is being compiled or cannot be."""
        if self._scan is None and self._thread is None:
            self.prepare()
        return self._scan

    def prepare(self) -> threading.Thread:
        """Compile or load in a thread of its own, once; join it to wait."""
        with _LOCK:
            if self._thread is None:
                self._thread = threading.Thread(target=self._load, name="span-scanner", daemon=True)
                self._thread.start()
            return self._thread

    def _load(self) -> None:
        try:
            self._scan = load()
        except Exception:  # noqa: BLE001 - whatever numba says, spans must be decoded
            _LOG.exception("the span scanner cannot be compiled; spans are decoded slowly")


def load() -> Any:
    """Compile, or read from the cache; seconds the first time, else some tenths."""
    import numba

    numba.config.CACHE_DIR = str(cache_folder())
    scan = importlib.import_module("collector.otlp.scan.spans").scan
    from collector.otlp.scan.requests import scan_bodies

    scan_bodies(scan, [b""])
    return scan


def cache_folder() -> Path:
    """Return where the machine code of exactly these sources lives."""
    here = Path(__file__).parent
    sources = b"".join((here / name).read_bytes() for name in _SOURCES)
    name = hashlib.sha256(sources).hexdigest()[:16]
    for base in (here / "__pycache__", Path.home() / ".cache" / "meshscope"):
        try:
            (base / name).mkdir(parents=True, exist_ok=True)
            (probe := base / name / ".probe").touch()
            probe.unlink()
        except OSError:
            continue
        return base / name
    raise OSError(f"neither {here} nor {Path.home()} can be written")


ENGINE: Final = Engine()
