"""The binary operators between elements that have found each other, in arrays of one shape.

Never matches series. Floats are computed at once, native histograms one by one; what does not go
together is left out, and an info says so.
https://prometheus.io/docs/prometheus/latest/querying/operators/#binary-operators
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collector.promql import native
from collector.promql.annotations import quoted
from collector.promql.evaluation import Evaluation
from collector.promql.reductions import tell

ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


@dataclass(frozen=True, slots=True)
class Operand:
    """values: float64. histograms: None, or objects of the same shape."""

    values: NDArray[np.float64]
    histograms: NDArray[Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """kept: where there is a result. refused: where there never is, not even 0 for ``bool``."""

    values: NDArray[np.float64]
    kept: NDArray[np.bool_]
    refused: NDArray[np.bool_] | None = None
    histograms: NDArray[Any] | None = None


def scalars(
    operator: str, left: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Operate on two scalars; a comparison gives 0 or 1."""
    table = ARITHMETIC if operator in ARITHMETIC else COMPARISONS
    return np.asarray(table[operator](left, right), np.float64)


def operate(
    evaluation: Evaluation,
    operator: str,
    left: Operand,
    right: Operand,
    present: NDArray[np.bool_],
) -> Outcome:
    """Operate where both are present; a comparison keeps the left value where it holds."""
    if operator in ARITHMETIC:
        values, kept = ARITHMETIC[operator](left.values, right.values), present
    else:
        values = np.broadcast_to(left.values, present.shape)
        kept = present & COMPARISONS[operator](left.values, right.values)
    if left.histograms is None and right.histograms is None:
        return Outcome(values, kept)
    return _with_natives(evaluation, operator, left, right, present, Outcome(values, kept))


def _with_natives(
    evaluation: Evaluation,
    operator: str,
    left: Operand,
    right: Operand,
    present: NDArray[np.bool_],
    floats: Outcome,
) -> Outcome:
    shape = present.shape
    lefts, rights = (_objects(operand, shape) for operand in (left, right))
    is_native = lefts.astype(np.bool_) | rights.astype(np.bool_)
    kept, values = floats.kept.copy(), np.array(floats.values)
    refused = np.zeros(shape, np.bool_)
    histograms = np.full(shape, None, object)
    for place in zip(*np.nonzero(present & is_native), strict=True):
        pair = [
            found if found is not None else float(np.broadcast_to(operand.values, shape)[place])
            for found, operand in ((lefts[place], left), (rights[place], right))
        ]
        result, is_kept = _combined(evaluation, operator, *pair)
        histograms[place] = result
        kept[place] = is_kept and result is not None
        refused[place] = result is None
    return Outcome(values, kept, refused, histograms)


def _objects(operand: Operand, shape: tuple[int, ...]) -> NDArray[Any]:
    if operand.histograms is None:
        return np.full(shape, None, object)
    return np.broadcast_to(operand.histograms, shape)


def _combined(evaluation: Evaluation, operator: str, left: Any, right: Any) -> tuple[Any, bool]:
    """Return a histogram, or None if these two have no result, and whether it is kept."""
    match operator, isinstance(left, float), isinstance(right, float):
        case "+", False, False:
            return _summed(evaluation, native.add, left, right, ("+", "addition")), True
        case "-", False, False:
            return _summed(evaluation, native.subtract, left, right, ("-", "subtraction")), True
        case "*", False, True:
            return native.scale(left, right), True
        case "*", True, False:
            return native.scale(right, left), True
        case "/", False, True:
            return native.divide(left, right), True
        case "==", False, False:
            return left, left == right
        case "!=", False, False:
            return left, not left == right  # noqa: SIM201 - histograms define equality only
        case _:
            first, second = (
                "float" if isinstance(one, float) else "histogram" for one in (left, right)
            )
            evaluation.notes.inform(
                "incompatible sample types encountered for binary operator "
                f"{quoted(operator)}: {first} {operator} {second}"
            )
            return None, False


def _summed(
    evaluation: Evaluation,
    combine: Callable[..., Any],
    left: Any,
    right: Any,
    operation: tuple[str, str],
) -> Any:
    operator, name = operation
    try:
        found, notes = combine(left, right)
    except native.IncompatibleBuckets:
        evaluation.notes.warn(
            f"incompatible bucket layout encountered for binary operator {operator}"
        )
        return None
    tell(evaluation, notes, operation=name)
    return found
