"""What takes imported samples: a running server (``server``), or a stopped one's file (``file``).

A write returns when its samples are durable. Either tells what it has already, so that nothing is
stored twice, also when an import comes again much later. Never reads the source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from collector.importing.plan import Window
from collector.importing.raw import Raw
from collector.promql.samples import Matcher


@dataclass(frozen=True, slots=True)
class Wrote:
    """Samples that are durable, and what was said of those that never will be."""

    samples: int
    message: str = ""


class Target(Protocol):
    """What takes samples."""

    def write(self, body: bytes, samples: int) -> Wrote:
        """Send a request of remote write 2.0 with so many samples; return when it is durable."""
        ...

    def names(self, matchers: Sequence[Matcher], window: Window) -> set[str]:
        """Return the metrics of which something may be there already."""
        ...

    def present(self, matchers: Sequence[Matcher], window: Window) -> list[Raw]:
        """Return the samples that are there already."""
        ...

    def kept_ms(self) -> int | None:
        """Return for how long samples are kept; None when it is not known."""
        ...
