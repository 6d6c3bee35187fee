"""One query being evaluated: what every part of the engine needs to know, and how it recurses.

Never evaluates itself: ``engine`` ties the parts together. Vectors come as streams of blocks of
series, so that an aggregation over many series never holds them all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.annotations import Annotations
from collector.promql.errors import ExecutionFailed
from collector.promql.expressions import Expression
from collector.promql.grids import concatenated
from collector.promql.labelsets import doomed, unnamed
from collector.promql.options import Options
from collector.promql.samples import Grid, Labels, Source

TOO_MANY: Final = "query processing would load too many samples into memory in query execution"

Steps = NDArray[np.int64]
"""Unix milliseconds, ascending, evenly spaced."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """start_ms, end_ms: of the whole query, which @ start() and @ end() mean.

    vectors, scalars: evaluate a vector in blocks, no label set twice, and a scalar.
    """

    source: Source
    options: Options
    start_ms: int
    end_ms: int
    notes: Annotations
    vectors: Callable[["Evaluation", Expression, Steps], Iterator[Grid]]
    scalars: Callable[["Evaluation", Expression, Steps], Numbers]

    def blocks(self, expression: Expression, steps: Steps) -> Iterator[Grid]:
        """Evaluate a vector, some series at a time."""
        for block in self.vectors(self, expression, steps):
            self.options.check()
            yield block

    def whole(self, expression: Expression, steps: Steps) -> Grid:
        """Evaluate a vector, all series at once; fails when they are too many."""
        return self.held(self.blocks(expression, steps), steps)

    def held(self, blocks: Iterator[Grid], steps: Steps) -> Grid:
        """Join blocks into one; fails when they hold too many samples."""
        kept: list[Grid] = []
        held = 0
        for block in blocks:
            held += int(np.count_nonzero(block.present))
            self.afford(held)
            kept.append(block)
        return concatenated(kept, steps)

    def nameless(self, labels: Labels) -> Labels:
        """Drop the metric's name, or mark it if its removal is delayed."""
        return doomed(labels) if self.options.is_name_removal_delayed else unnamed(labels)

    def numbers(self, expression: Expression, steps: Steps) -> Numbers:
        """Evaluate a scalar."""
        return self.scalars(self, expression, steps)

    def afford(self, samples: int) -> None:
        """Fail if so many samples at a time are more than the query may hold."""
        if samples > self.options.max_samples:
            raise ExecutionFailed(TOO_MANY)
