"""Reads the script language of Prometheus's PromQL tests: load, clear, eval, expect.

Also the older eval_fail, eval_warn, eval_info and eval_ordered. Knows no engine.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collector.promql.samples import Labels
from tests.collector.promql.script.points import BadScript, Point, points

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000,
          "y": 31_536_000_000}  # fmt: skip
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`"
_LABEL = re.compile(rf"\s*([\w:.]+|{_QUOTED})\s*(?:=\s*({_QUOTED}))?\s*(?:,|$)")
_METRIC = re.compile(rf"([a-zA-Z_:][\w:]*)?\s*(?:\{{(?!\{{)((?:{_QUOTED}|[^\"'`}}])*)\}})?\s*")
_INSTANT = re.compile(r"eval(?:_(\w+))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$")
_RANGE = re.compile(r"eval(?:_(\w+))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$")
_EXPECT = re.compile(
    r"expect\s+(no_warn|no_info|fail|warn|info|ordered|string|range vector)\b\s*(.*)$"
)
_OLD_EXPECT = re.compile(r"expected_fail_(message|regexp)\s+(.*)$")


@dataclass(frozen=True)
class Expectation:
    """``text`` must be in an annotation or error, or ``regex`` match it; None is anything."""

    kind: str
    text: str | None = None
    regex: str | None = None


@dataclass(frozen=True)
class Load:
    """Series with a point each ``step_ms`` from 0 on."""

    step_ms: int
    series: list[tuple[Labels, list[Point]]]
    is_with_nhcb: bool = False


@dataclass(frozen=True)
class Clear:
    """All series are forgotten."""


@dataclass(frozen=True)
class Eval:
    """An instant query is one with ``step_ms`` None. rows: labels (None: a scalar) and points."""

    line: int
    query: str
    start_ms: int
    end_ms: int
    step_ms: int | None
    expectations: list[Expectation] = field(default_factory=list)
    rows: list[tuple[Labels | None, list[Point]]] = field(default_factory=list)

    def expects(self, kind: str) -> list[Expectation]:
        return [one for one in self.expectations if one.kind == kind]


Command = Load | Clear | Eval


def commands(text: str) -> Iterator[Command]:
    """Read a script; BadScript names the line."""
    lines = [(number, line.rstrip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith("#")]
    position = 0
    while position < len(lines):
        number, line = lines[position]
        position += 1
        if not line:
            continue
        block = []
        while position < len(lines) and lines[position][1]:
            if not lines[position][1].startswith((" ", "\t")):
                break
            block.append(lines[position][1].strip())
            position += 1
        try:
            yield _command(number, line.strip(), block)
        except (BadScript, ValueError, TypeError) as error:
            raise BadScript(f"line {number}: {line}: {error}") from error


def _command(number: int, line: str, block: list[str]) -> Command:
    if line == "clear":
        return Clear()
    if line.startswith("load"):
        name, step = line.split()
        series = [metric(row) for row in block]
        return Load(
            milliseconds(step),
            [(labels, points(rest)) for labels, rest in series],
            name == "load_with_nhcb",
        )
    if found := _RANGE.match(line):
        kind, start, end, step, query = found.groups()
        times = (milliseconds(start), milliseconds(end), milliseconds(step))
    elif found := _INSTANT.match(line):
        kind, at, query = found.groups()
        times = (milliseconds(at or "0"), milliseconds(at or "0"), None)
    else:
        raise BadScript("no command")
    expectations = [Expectation(kind)] if kind else []
    rows = []
    for row in block:
        if found := _EXPECT.match(row):
            expectations.append(_expectation(found[1], found[2].strip()))
        elif found := _OLD_EXPECT.match(row):
            key = "text" if found[1] == "message" else "regex"
            expectations.append(Expectation("fail", **{key: found[2]}))
        else:
            rows.append(_row(row))
    return Eval(number, query, *times, expectations, rows)


def _expectation(kind: str, rest: str) -> Expectation:
    if kind in {"string", "range vector"}:
        return Expectation(kind, text=_unquoted(rest) if kind == "string" else rest)
    if rest.startswith("msg:"):
        return Expectation(kind, text=rest.removeprefix("msg:").strip())
    if rest.startswith("regex:"):
        return Expectation(kind, regex=rest.removeprefix("regex:").strip())
    if rest:
        raise BadScript(f"no msg: or regex: but {rest}")
    return Expectation(kind)


def _row(row: str) -> tuple[Labels | None, list[Point]]:
    if re.match(r"[+-]?(\d|\.\d|inf|nan)", row, re.IGNORECASE):
        return None, points(row)
    labels, rest = metric(row)
    return labels, points(rest)


def metric(text: str) -> tuple[Labels, str]:
    """Read a series' name and labels; return what follows, too."""
    found = _METRIC.match(text)
    if found is None or not found[0].strip():
        raise BadScript(f"no series: {text}")
    labels = {"__name__": found[1]} if found[1] else {}
    inside, position = found[2] or "", 0
    while inside[position:].strip():
        label = _LABEL.match(inside, position)
        if label is None:
            raise BadScript(f"no labels: {inside}")
        name = _unquoted(label[1]) if label[1][0] in "\"'`" else label[1]
        if label[2] is None:
            labels["__name__"] = name
        else:
            labels[name] = _unquoted(label[2])
        position = label.end()
    kept = tuple(sorted((name, value) for name, value in labels.items() if value))
    return kept, text[found.end() :]


def milliseconds(text: str) -> int:
    """Read 1h30m, 15s, or seconds without a unit."""
    sign = -1 if text.startswith("-") else 1
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    if parts and "".join(f"{count}{unit}" for count, unit in parts) == text.lstrip("-"):
        return sign * sum(int(count) * _UNITS[unit] for count, unit in parts)
    return round(float(text) * 1000)


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1]
    inside = text[1:-1]
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), inside)
