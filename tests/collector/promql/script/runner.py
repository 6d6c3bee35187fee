"""Runs a script's evals on the engine, and says what is not as expected.

Each instant eval runs a second time as a range query of one step. Without any expectation about
warnings there must be none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from collector.promql import engine
from collector.promql.errors import QueryError
from collector.promql.options import Options
from collector.promql.samples import Answer, Grid, Labels, Samples, Scalar, Text
from tests.collector.promql.script.grammar import Clear, Eval, Load, commands, milliseconds
from tests.collector.promql.script.points import Point, is_near, is_same
from tests.collector.promql.script.series import Held, loaded, source

Rows = list[tuple[Labels | None, dict[int, Point]]]
"""Series in the order of the answer, with samples by time; a scalar has no labels."""


@dataclass(frozen=True)
class Case:
    """One eval over what was loaded before it."""

    held: Held
    eval: Eval


def cases(text: str) -> Iterator[Case]:
    """Give the evals of a script, each with its series."""
    held: Held = {}
    for command in commands(text):
        match command:
            case Load():
                held = loaded(held, command)
            case Clear():
                held = {}
            case Eval():
                yield Case(held, command)


def faults(case: Case, options: Options | None = None) -> list[str]:
    """Run an eval; return what is not as it should be."""
    ran = case.eval
    given = source(case.held)
    options = options or Options()
    if ran.step_ms is not None:
        return _judged(
            ran,
            lambda: engine.over_range(
                given, ran.query, ran.start_ms, ran.end_ms, ran.step_ms, options
            ),
        )
    found = _judged(ran, lambda: engine.instant(given, ran.query, ran.start_ms, options))
    if found or ran.expects("range vector") or ran.expects("string"):
        return found
    again = _judged(
        ran,
        lambda: engine.over_range(given, ran.query, ran.start_ms, ran.start_ms, 1, options),
        is_ordered=False,
    )
    return [f"as a range query: {fault}" for fault in again]


def _judged(ran, run, *, is_ordered: bool = True) -> list[str]:
    expected_failures = ran.expects("fail")
    try:
        answer = run()
    except QueryError as error:
        if not expected_failures:
            return [f"failed: {error}"]
        return [
            f"failed otherwise: {error}" for one in expected_failures if not _says(one, str(error))
        ]
    if expected_failures:
        return ["did not fail"]
    faults = _annotation_faults(ran, answer)
    if texts := ran.expects("string"):
        value = answer.value.value if isinstance(answer.value, Text) else answer.value
        return faults + ([] if value == texts[0].text else [f"not the string: {value!r}"])
    rows = _rows(answer)
    if ran.step_ms is not None:
        rows = [(labels or (), held) for labels, held in rows]
    faults += _row_faults(_expected(ran), rows)
    if is_ordered and ran.expects("ordered") and not faults:
        order = [labels for labels, _ in rows]
        if order != [labels for labels, _ in ran.rows]:
            faults.append(f"another order: {order}")
    return faults


def _says(one, text: str) -> bool:
    if one.text is not None:
        return one.text in text
    return one.regex is None or re.search(one.regex, text) is not None


def _annotation_faults(ran: Eval, answer: Answer) -> list[str]:
    faults = []
    for kind, said in (("warn", answer.warnings), ("info", answer.infos)):
        expected = ran.expects(kind)
        if not expected and said and (kind == "warn" or ran.expects(f"no_{kind}")):
            faults.append(f"unexpected {kind}: {said}")
        faults += [
            f"no such {kind}: {one.text or one.regex or ''} but {said}"
            for one in expected
            if not any(_says(one, text) for text in said)
        ]
    return faults


def _expected(ran: Eval) -> Rows:
    times = [ran.start_ms]
    if ran.step_ms is not None:
        times = list(range(ran.start_ms, ran.end_ms + 1, ran.step_ms))
    for one in ran.expects("range vector"):
        found = re.match(r"from (\S+) to (\S+) step (\S+)", one.text or "")
        start, end, step = (milliseconds(part) for part in found.groups())
        times = list(range(start, end + 1, step))
    return [
        (
            labels,
            {time: one for time, one in zip(times, points, strict=False) if not one.is_missing},
        )
        for labels, points in ran.rows
    ]


def _rows(answer: Answer) -> Rows:
    match answer.value:
        case Scalar(steps, values):
            return [(None, {time: Point(value) for time, value in _pairs(steps, values)})]
        case Grid():
            return list(_grid_rows(answer.value))
        case Samples():
            return list(_sample_rows(answer.value))
        case Text(_, value):
            raise AssertionError(f"a string: {value!r}")


def _pairs(steps, values):
    return zip(steps.tolist(), values.tolist(), strict=True)


def _grid_rows(grid: Grid) -> Iterator[tuple[Labels, dict[int, Point]]]:
    for row, labels in enumerate(grid.labels):
        held = {}
        for column, time in enumerate(grid.steps_ms.tolist()):
            if grid.present[row, column]:
                native = None if grid.histograms is None else grid.histograms[row, column]
                held[time] = Point(float(grid.values[row, column]), native)
        if held:
            yield tuple(labels), held


def _sample_rows(samples: Samples) -> Iterator[tuple[Labels, dict[int, Point]]]:
    for row, labels in enumerate(samples.labels):
        held = {}
        for index in range(int(samples.offsets[row]), int(samples.offsets[row + 1])):
            native = None if samples.histograms is None else samples.histograms[index]
            held[int(samples.times_ms[index])] = Point(float(samples.values[index]), native)
        yield tuple(labels), held


def _row_faults(expected: Rows, found: Rows) -> list[str]:
    faults = []
    if any(labels is None for labels, _ in expected) and len(expected) == 1:
        wanted, got = expected[0][1], dict(found[0][1]) if found else {}
        if found and found[0][0] is not None:
            faults.append(f"no scalar: {found}")
        return faults + _sample_faults("scalar", wanted, got)
    by_labels = dict(found)
    if len(by_labels) != len(found):
        faults.append(f"series twice: {[labels for labels, _ in found]}")
    wanted_labels = {labels for labels, held in expected if held}
    faults += [f"unexpected: {labels} {held}" for labels, held in found
               if labels not in wanted_labels]  # fmt: skip
    for labels, held in expected:
        if held and labels not in by_labels:
            faults.append(f"missing: {labels}")
        elif held:
            faults += _sample_faults(str(labels), held, by_labels[labels])
    return faults


def _sample_faults(name: str, expected: dict[int, Point], found: dict[int, Point]) -> list[str]:
    faults = [f"{name}: no sample at {time}" for time in expected.keys() - found.keys()]
    faults += [f"{name}: {found[time]} at {time}" for time in found.keys() - expected.keys()]
    for time in sorted(expected.keys() & found.keys()):
        wanted, got = expected[time], found[time]
        if (wanted.histogram is None) != (got.histogram is None):
            faults.append(f"{name}: {got} at {time}, not {wanted}")
        elif wanted.histogram is not None and not is_same(wanted.histogram, got.histogram):
            faults.append(f"{name}: {got.histogram} at {time}, not {wanted.histogram}")
        elif wanted.histogram is None and not is_near(wanted.value, got.value):
            faults.append(f"{name}: {got.value} at {time}, not {wanted.value}")
    return faults
