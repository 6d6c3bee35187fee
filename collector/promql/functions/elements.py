"""Functions of each element by itself: mathematics, trigonometry, rounding, dates.

Native histograms are left out. https://prometheus.io/docs/prometheus/latest/querying/functions/
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from collector.promql.evaluation import Evaluation, Numbers, Steps
from collector.promql.expressions import Call
from collector.promql.grids import floats_only, single
from collector.promql.samples import Grid
from collector.promql.streams import unnamed_blocks

_Moments = NDArray[np.datetime64]


def mapped(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Evaluate a function of one vector and some scalars: element by element."""
    function = FUNCTIONS[call.function]
    vector, *others = call.arguments
    numbers = [evaluation.numbers(one, steps)[None, :] for one in others]
    blocks = (
        replace(block, values=function(block.values, *numbers))
        for block in map(floats_only, evaluation.blocks(vector, steps))
    )
    return unnamed_blocks(evaluation, blocks, vector, steps)


def clamped(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Evaluate clamp: nothing is left where the least is above the most."""
    vector, least, most = call.arguments
    low, high = (evaluation.numbers(one, steps) for one in (least, most))
    blocks = (
        replace(
            block,
            values=_larger(_smaller(block.values, high), low),
            present=block.present & ~(low > high),
        )
        for block in map(floats_only, evaluation.blocks(vector, steps))
    )
    return unnamed_blocks(evaluation, blocks, vector, steps)


def dated(evaluation: Evaluation, call: Call, steps: Steps) -> Iterator[Grid]:
    """Evaluate a function of the calendar (UTC): of the elements, or of each step's time."""
    function = DATES[call.function]
    if not call.arguments:
        yield single((), steps, function(_moments(steps / 1e3)))
        return
    (vector,) = call.arguments
    blocks = (
        replace(
            block, values=np.where(np.isnan(block.values), np.nan, function(_moments(block.values)))
        )
        for block in map(floats_only, evaluation.blocks(vector, steps))
    )
    yield from unnamed_blocks(evaluation, blocks, vector, steps)


def _moments(seconds: Numbers) -> _Moments:
    whole = np.trunc(np.nan_to_num(seconds, nan=0.0, posinf=_LATEST_S, neginf=-_LATEST_S))
    return np.clip(whole, -_LATEST_S, _LATEST_S).astype("datetime64[s]")


_LATEST_S: Final = 1e15


def _count(moments: _Moments, unit: str, since: str) -> Numbers:
    """Return how many whole units passed since the larger unit began."""
    gap = moments.astype(f"datetime64[{unit}]") - moments.astype(f"datetime64[{since}]").astype(
        f"datetime64[{unit}]"
    )
    found: Numbers = gap.astype(np.float64)
    return found


def _days_in_month(moments: _Moments) -> Numbers:
    month = moments.astype("datetime64[M]")
    gap = (month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")
    found: Numbers = gap.astype(np.float64)
    return found


def _rounded(values: Numbers, to: Numbers | float = 1.0) -> Numbers:
    inverse = 1.0 / to
    found: Numbers = np.floor(values * inverse + 0.5) / inverse
    return found


def _smaller(values: Numbers, limit: Numbers) -> Numbers:
    """Return the smaller ones as Go does: -Inf beside NaN is -Inf."""
    found = np.minimum(values, limit)
    found[(values == -np.inf) | (limit == -np.inf)] = -np.inf
    return found


def _larger(values: Numbers, limit: Numbers) -> Numbers:
    """Return the larger ones as Go does: Inf beside NaN is Inf."""
    found = np.maximum(values, limit)
    found[(values == np.inf) | (limit == np.inf)] = np.inf
    return found


DATES: Final[dict[str, Callable[[_Moments], Any]]] = {
    "minute": lambda at: _count(at, "m", "h"),
    "hour": lambda at: _count(at, "h", "D"),
    "day_of_month": lambda at: _count(at, "D", "M") + 1,
    "day_of_week": lambda at: (at.astype("datetime64[D]").astype(np.int64) + 4) % 7 + 0.0,
    "day_of_year": lambda at: _count(at, "D", "Y") + 1,
    "days_in_month": _days_in_month,
    "month": lambda at: _count(at, "M", "Y") + 1,
    "year": lambda at: at.astype("datetime64[Y]").astype(np.int64) + 1970.0,
}

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "clamp_max": _smaller,
    "clamp_min": _larger,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": lambda values: values * 180 / np.pi,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda values: values * np.pi / 180,
    "round": _rounded,
    "sgn": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
