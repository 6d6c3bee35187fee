"""What the writer is asked to keep, request by request, and what it answers.

A batch may hold the spans of several requests, decoded together; each is told apart by its digest,
and answered by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from collector.otlp.batch import Batch


@dataclass(frozen=True, slots=True)
class Ack:
    """A request is durable. ``is_repeat``: it had been before, and was not counted again.

    ``rejected`` are the items that were left out, by the decoder or because the disk is short.
    """

    rejected: int
    message: str
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch. Its ``rows`` follow those of the parts before it.

    ``digest`` identifies the request; ``rejected`` and ``message`` are what its decoder left out.
    """

    digest: bytes
    rows: int
    rejected: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Together:
    """Spans of several requests in one batch, whose rows are those of the parts, in order."""

    batch: Batch
    parts: Sequence[Part] = field(default=())

    def without(self, is_left_out: Sequence[bool]) -> Batch:
        """Return the batch without the spans of some parts."""
        if not any(is_left_out):
            return self.batch
        kept: Any = np.repeat(~np.asarray(is_left_out), [part.rows for part in self.parts])
        return replace(self.batch, spans=self.batch.spans.filter(pa.array(kept)))
