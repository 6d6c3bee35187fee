"""PromQL the slow way: one series and one step at a time, in plain Python. An oracle for laws.

Floats only: native histograms, annotations and limits are the engine's business. It shares nothing
with the engine but the parser and the types of the expressions.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from collector.promql.expressions import (
    Aggregation,
    Binary,
    Call,
    Expression,
    Matching,
    Negation,
    Number,
    RangeSelector,
    Selector,
    Subquery,
)
from collector.promql.parser import parse
from collector.promql.samples import STALE, Labels
from tests.collector.promql import naive_functions as functions

Series = list[tuple[Labels, list[tuple[int, float]]]]
"""Labels, and samples by ascending time in ms."""
Vector = list[tuple[Labels, float]]
Ranges = list[tuple[Labels, list[tuple[int, float]]]]
_STALE_BITS = functions.bits(float(STALE))
_DEFAULT_STEP_MS = 60_000


class Impossible(Exception):
    """The data do not allow it."""


@dataclass(frozen=True)
class Naive:
    """series: what there is. is_left_closed: as Prometheus 2 has it, windows and rates."""

    series: Series
    start_ms: int = 0
    end_ms: int = 0
    lookback_ms: int = 300_000
    is_left_closed: bool = False

    def steps(self, text: str, start_ms: int, end_ms: int, step_ms: int) -> dict[int, "Answer"]:
        """Evaluate a query at each step."""
        expression = parse(text)
        this = replace(self, start_ms=start_ms, end_ms=end_ms)
        times = range(start_ms, end_ms + 1, step_ms)
        return {time: this.at(expression, time) for time in times}

    def at(self, expression: Expression, time: int) -> "Answer":
        """Evaluate an expression at one instant: a float, or a vector."""
        match expression:
            case Number(value):
                return value
            case Selector():
                return [(labels, sample[1]) for labels, sample in self.latest(expression, time)]
            case Negation(operand):
                found = self.at(operand, time)
                if isinstance(found, float):
                    return -found
                return _unique([(nameless(labels), -value) for labels, value in found])
            case Binary():
                return self.binary(expression, time)
            case Aggregation():
                return self.aggregated(expression, time)
            case Call():
                return self.called(expression, time)
            case _:
                raise TypeError(f"not evaluated here: {expression}")

    def time_of(self, expression: Selector | Subquery, time: int) -> int:
        fixed = {"start": self.start_ms, "end": self.end_ms, None: time}
        base = fixed.get(expression.at, expression.at)
        return base - expression.offset_ms

    def is_inside(self, time: int, start: int, end: int) -> bool:
        return (start <= time if self.is_left_closed else start < time) and time <= end

    def selected(self, selector: Selector) -> Iterator[tuple[Labels, list[tuple[int, float]]]]:
        for labels, samples in self.series:
            values = dict(labels)
            if all(_fits(one, values.get(one.name, "")) for one in selector.matchers):
                yield labels, samples

    def latest(self, selector: Selector, time: int) -> Iterator[tuple[Labels, tuple[int, float]]]:
        end = self.time_of(selector, time)
        for labels, samples in self.selected(selector):
            known = [one for one in samples if self.is_inside(one[0], end - self.lookback_ms, end)]
            if known and functions.bits(known[-1][1]) != _STALE_BITS:
                yield labels, known[-1]

    def ranges(self, expression: Expression, time: int) -> tuple[Ranges, int, int]:
        """Return samples by series, and start and end of the window."""
        if isinstance(expression, Subquery):
            return self.subquery(expression, time)
        assert isinstance(expression, RangeSelector)
        end = self.time_of(expression.selector, time)
        start = end - expression.range_ms
        found = [
            (labels, [one for one in samples if self.is_inside(one[0], start, end)
                      and functions.bits(one[1]) != _STALE_BITS])
            for labels, samples in self.selected(expression.selector)
        ]  # fmt: skip
        return [(labels, samples) for labels, samples in found if samples], start, end

    def subquery(self, expression: Subquery, time: int) -> tuple[Ranges, int, int]:
        end = self.time_of(expression, time)
        start = end - expression.range_ms
        step = expression.step_ms or _DEFAULT_STEP_MS
        first = math.ceil(start / step) * step
        if first == start and not self.is_left_closed:
            first += step
        held = defaultdict(list)
        inner = replace(self, start_ms=self.start_ms, end_ms=self.end_ms)
        for instant in range(first, end + 1, step):
            found = inner.at(expression.expression, instant)
            for labels, value in [((), found)] if isinstance(found, float) else found:
                held[labels].append((instant, value))
        return list(held.items()), start, end

    def called(self, call: Call, time: int) -> "Answer":
        name, arguments = call.function, call.arguments
        if name in functions.RANGE:
            return self.over_range(call, time)
        if name in _SPECIAL:
            return _SPECIAL[name](self, call, time)
        if not arguments:
            return [((), functions.DATES[name](time / 1000))]
        vector = self.at(arguments[0], time)
        numbers = [self.at(one, time) for one in arguments[1:]]
        if name == "clamp" and numbers[0] > numbers[1]:
            return []
        change = functions.EACH[name]
        return _unique([(nameless(labels), change(value, *numbers)) for labels, value in vector])

    def absent(self, call: Call, time: int) -> Vector:
        operand = call.arguments[0]
        found = self.ranges(operand, time)[0] if "over" in call.function else self.at(operand, time)
        return [] if found else [(_labels_of_absence(operand), 1.0)]

    def scalar(self, call: Call, time: int) -> float:
        vector = self.at(call.arguments[0], time)
        return vector[0][1] if len(vector) == 1 else math.nan

    def timestamp(self, call: Call, time: int) -> Vector:
        operand = call.arguments[0]
        if isinstance(operand, Selector):
            found = [(labels, sample[0]) for labels, sample in self.latest(operand, time)]
        else:
            found = [(labels, time) for labels, _ in self.at(operand, time)]
        return _unique([(nameless(labels), at / 1000) for labels, at in found])

    def relabeled(self, call: Call, time: int) -> Vector:
        vector, *texts = call.arguments
        change = functions.replaced if call.function == "label_replace" else functions.joined
        words = [one.value for one in texts]
        return _unique([(change(labels, *words), value) for labels, value in self.at(vector, time)])

    def quantile(self, call: Call, time: int) -> Vector:
        q, vector = (self.at(one, time) for one in call.arguments)
        return functions.classic_quantiles(q, vector)

    def over_range(self, call: Call, time: int) -> Vector:
        change, place = functions.RANGE[call.function]
        ranges, start, end = self.ranges(call.arguments[place], time)
        others = [one for index, one in enumerate(call.arguments) if index != place]
        numbers = [self.at(one, time) for one in others]
        window = functions.Window(start, end, time, self.is_left_closed)
        found = []
        for labels, samples in ranges:
            value = change(samples, window, *numbers)
            if value is not None:
                found.append(
                    (labels if call.function == "last_over_time" else nameless(labels), value)
                )
        return _unique(found)

    def aggregated(self, expression: Aggregation, time: int) -> Vector:
        vector = self.at(expression.expression, time)
        operator = expression.operator
        if operator == "count_values":
            name = expression.parameter.value
            vector = [
                (functions.with_label(labels, name, functions.shown(value)), value)
                for labels, value in vector
            ]
            if not expression.is_without:
                expression = replace(expression, labels=(*expression.labels, name))
        groups = defaultdict(list)
        for labels, value in vector:
            groups[_group(labels, expression)].append((labels, value))
        parameter = None
        if expression.parameter is not None and operator != "count_values":
            parameter = self.at(expression.parameter, time)
        if operator in {"topk", "bottomk"}:
            return [
                one
                for members in groups.values()
                for one in functions.extremes(members, parameter, is_top=operator == "topk")
            ]
        change = functions.AGGREGATIONS[operator]
        return [
            (labels, change([value for _, value in members], parameter))
            for labels, members in groups.items()
        ]

    def binary(self, expression: Binary, time: int) -> "Answer":
        left, right = self.at(expression.left, time), self.at(expression.right, time)
        operator, is_bool = expression.operator, expression.is_bool
        if operator in {"and", "or", "unless"}:
            return _set_operation(operator, left, right, expression.matching)
        if isinstance(left, float) and isinstance(right, float):
            return functions.calculated(operator, left, right)
        if isinstance(left, float) or isinstance(right, float):
            return _with_scalar(operator, left, right, is_bool=is_bool)
        return _matched(expression, left, right)


Answer = float | Vector

_SPECIAL: dict[str, Callable[[Naive, Call, int], Answer]] = {
    "absent": Naive.absent,
    "absent_over_time": Naive.absent,
    "scalar": Naive.scalar,
    "timestamp": Naive.timestamp,
    "label_replace": Naive.relabeled,
    "label_join": Naive.relabeled,
    "histogram_quantile": Naive.quantile,
    "time": lambda _naive, _call, time: time / 1000,
    "pi": lambda _naive, _call, _time: math.pi,
    "vector": lambda naive, call, time: [((), naive.at(call.arguments[0], time))],
    **dict.fromkeys(
        ("sort", "sort_desc"), lambda naive, call, time: naive.at(call.arguments[0], time)
    ),
}


def nameless(labels: Labels) -> Labels:
    return tuple((name, value) for name, value in labels if name != "__name__")


def _unique(vector: Vector) -> Vector:
    if len({labels for labels, _ in vector}) != len(vector):
        raise Impossible("vector cannot contain metrics with the same labelset")
    return vector


def _fits(matcher, value: str) -> bool:
    match matcher.op:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~":
            return re.fullmatch(matcher.value, value) is not None
        case "!~":
            return re.fullmatch(matcher.value, value) is None


def _labels_of_absence(argument: Expression) -> Labels:
    if isinstance(argument, RangeSelector):
        argument = argument.selector
    if not isinstance(argument, Selector):
        return ()
    held, seen = {}, set()
    for one in argument.matchers:
        if one.name == "__name__":
            continue
        if one.op == "=" and one.name not in seen:
            held[one.name] = one.value
            seen.add(one.name)
        else:
            held.pop(one.name, None)
    return tuple(sorted((name, value) for name, value in held.items() if value))


def _group(labels: Labels, expression: Aggregation) -> Labels:
    if expression.is_without:
        dropped = {*expression.labels, "__name__"}
        return tuple(pair for pair in labels if pair[0] not in dropped)
    return tuple(pair for pair in labels if pair[0] in expression.labels)


def _signature(matching: Matching) -> Callable[[Labels], Labels]:
    if matching.is_on:
        return lambda labels: tuple(pair for pair in labels if pair[0] in matching.labels)
    dropped = {*matching.labels, "__name__"}
    return lambda labels: tuple(pair for pair in labels if pair[0] not in dropped)


def _set_operation(operator: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    signature = _signature(matching)
    lefts = {signature(labels) for labels, _ in left}
    rights = {signature(labels) for labels, _ in right}
    if operator == "and":
        return [one for one in left if signature(one[0]) in rights]
    if operator == "unless":
        return [one for one in left if signature(one[0]) not in rights]
    return left + [one for one in right if signature(one[0]) not in lefts]


def _with_scalar(operator: str, left: "Answer", right: "Answer", *, is_bool: bool) -> Vector:
    is_left = isinstance(left, float)
    found = []
    for labels, value in right if is_left else left:
        result = functions.calculated(operator, *((left, value) if is_left else (value, right)))
        if operator not in functions.COMPARISONS or is_bool:
            found.append((nameless(labels), result))
        elif result:
            found.append((labels, value))
    return _unique(found)


def _matched(expression: Binary, left: Vector, right: Vector) -> Vector:
    if not left or not right:
        return []
    matching = expression.matching
    signature = _signature(matching)
    is_swapped = matching.cardinality == "one-to-many"
    many, one = (right, left) if is_swapped else (left, right)
    partners: dict[Labels, tuple[Labels, float]] = {}
    for entry in one:
        if signature(entry[0]) in partners:
            raise Impossible("found duplicate series for the match group")
        partners[signature(entry[0])] = entry
    found, seen = [], set()
    for labels, value in many:
        key = signature(labels)
        if key not in partners:
            continue
        partner, other = partners[key]
        sides = (other, value) if is_swapped else (value, other)
        result = functions.calculated(expression.operator, *sides)
        if expression.operator in functions.COMPARISONS and not expression.is_bool:
            if not result:
                continue
            result = sides[0]
        new = _result_labels(expression, labels, partner)
        mark = key if matching.cardinality == "one-to-one" else (key, new)
        if mark in seen:
            raise Impossible("multiple matches for labels")
        seen.add(mark)
        found.append((new, result))
    return _unique(found)


def _result_labels(expression: Binary, labels: Labels, partner: Labels) -> Labels:
    matching, held = expression.matching, dict(labels)
    if expression.operator not in functions.COMPARISONS or expression.is_bool:
        held.pop("__name__", None)
    if matching.cardinality == "one-to-one":
        if matching.is_on:
            held = {name: value for name, value in held.items() if name in matching.labels}
        else:
            held = {name: value for name, value in held.items() if name not in matching.labels}
    for name in matching.included:
        held[name] = dict(partner).get(name, "")
    return tuple(sorted((name, value) for name, value in held.items() if value))
