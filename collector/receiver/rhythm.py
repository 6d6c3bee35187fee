"""When each exporter was heard, and after how long without a word it is silent.

An exporter is silent after three times the interval at which it usually sends, learned from its
last gaps, within bounds: a proxy that sends every 5 s after 15 s, so that an alert comes within
30 s; an SDK that sends every minute after three. Requests within a second are one flush. One long
gap teaches nothing, for it may have been silence itself; the second one does.
Nothing is remembered across a restart; who has not been heard since then is judged by the default.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from collector.otlp.batch import Resource

DEFAULT_SILENT_S: Final = 30.0
"""Until the rhythm is known."""
LEAST_SILENT_S: Final = 15.0
MOST_SILENT_S: Final = 600.0
_INTERVALS: Final = 3
_SAME_FLUSH_S: Final = 1.0
_GAPS: Final = 12
_LEAST_GAPS: Final = 3
_MOST_EXPORTERS: Final = 50_000

Key = tuple[str, str]
"""Service and instance."""


@dataclass(slots=True)
class Rhythm:
    """The flushes of one exporter; times are seconds since the epoch."""

    last_s: float
    _flush_s: float
    _gaps: deque[float] = field(default_factory=lambda: deque(maxlen=_GAPS))

    def hear(self, at_s: float) -> None:
        """Take a request; one that is not later than the last tells nothing."""
        if at_s - self._flush_s >= _SAME_FLUSH_S:
            self._gaps.append(at_s - self._flush_s)
            self._flush_s = at_s
        self.last_s = max(self.last_s, at_s)

    @property
    def silent_after_s(self) -> float:
        """How long it may be quiet: three times the second longest of its last gaps."""
        if len(self._gaps) < _LEAST_GAPS:
            return DEFAULT_SILENT_S
        usual_s = sorted(self._gaps)[-2]
        return min(max(_INTERVALS * usual_s, LEAST_SILENT_S), MOST_SILENT_S)


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of an exporter that was heard since the start."""

    last_s: float
    silent_after_s: float


class Exporters:
    """The rhythms of all exporters; any thread may tell and ask. ``since_s`` is when it began."""

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        self._rhythms: dict[Key, Rhythm] = {}
        self._lock = threading.Lock()

    def hear(self, resources: Iterable[Resource], at_s: float) -> None:
        """Note that these exporters sent a request just now."""
        with self._lock:
            for key in {(one.service, one.instance) for one in resources}:
                rhythm = self._rhythms.get(key)
                if rhythm is not None:
                    rhythm.hear(at_s)
                elif len(self._rhythms) < _MOST_EXPORTERS:
                    self._rhythms[key] = Rhythm(at_s, at_s)

    def heard(self) -> Mapping[Key, Heard]:
        """Return who was heard since the start."""
        with self._lock:
            return {key: Heard(one.last_s, one.silent_after_s)
                    for key, one in self._rhythms.items()}  # fmt: skip

    def forget(self, before_s: float) -> None:
        """Let go of who was last heard before then."""
        with self._lock:
            kept = [(key, one) for key, one in self._rhythms.items() if one.last_s >= before_s]
            self._rhythms = dict(kept)
