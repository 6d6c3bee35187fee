"""Streams of blocks whose series lose their names.

Where a selector names one metric, series stay distinct without their names, and blocks pass one by
one. Else two series can become the same: then all blocks are needed at once.
"""

from collections.abc import Iterator
from dataclasses import replace

from collector.promql.evaluation import Evaluation, Steps
from collector.promql.expressions import (
    Aggregation,
    Binary,
    Call,
    Expression,
    RangeSelector,
    Selector,
    Subquery,
)
from collector.promql.grids import without_names
from collector.promql.labelsets import NAME
from collector.promql.samples import Grid

_KEEPING = frozenset({"last_over_time", "first_over_time", "sort", "sort_desc"})
_SELECTING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


def unnamed_blocks(
    evaluation: Evaluation, blocks: Iterator[Grid], source: Expression, steps: Steps
) -> Iterator[Grid]:
    """Drop the names of a stream that comes of ``source``; merge or fail where twins arise."""
    if not has_one_name(source) and not evaluation.options.is_name_removal_delayed:
        yield without_names(evaluation.held(blocks, steps))
        return
    for block in blocks:
        yield replace(block, labels=[evaluation.nameless(labels) for labels in block.labels])


def has_one_name(expression: Expression) -> bool:
    """Tell whether all series of an expression surely have the same name, or none."""
    match expression:
        case Selector(matchers):
            return any(one.name == NAME and one.op == "=" for one in matchers)
        case RangeSelector(selector):
            return has_one_name(selector)
        case Subquery(inner):
            return has_one_name(inner)
        case Binary("or") | Call("label_replace" | "label_join"):
            return False
        case Binary(left=left, right=right):
            return has_one_name(left) and has_one_name(right)
        case Aggregation(operator, inner) if operator in _SELECTING:
            return has_one_name(inner)
        case Aggregation(labels=labels, is_without=is_without):
            return is_without or NAME not in labels
        case Call(function, arguments) if function in _KEEPING:
            return has_one_name(arguments[0])
        case _:
            return True
