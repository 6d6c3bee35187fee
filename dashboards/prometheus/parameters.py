"""What a client of the API asked: URL and form together, as times, durations, selectors, limits.

Never touches the store. Names are those of the query string; a value that cannot be read is
BadParameter, worded as Prometheus words it.
https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from collector.promql.errors import BadQuery
from collector.promql.expressions import Selector
from collector.promql.matchers import predicate
from collector.promql.parser import parse
from collector.promql.samples import Matcher

MAX_FORM_BYTES: Final = 10 * 2**20
MAX_POINTS: Final = 11_000
"""Steps of a range query, as in Prometheus."""
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_S: Final = 9.2e15
_UNITS_MS: Final = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_DURATION: Final = re.compile("".join(rf"(?:(\d+){unit})?" for unit in _UNITS_MS))
_ZONED: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_ESCAPED: Final = re.compile(r"__|_([0-9a-fA-F]{1,6})_|_")


class BadParameter(BadQuery):
    """A parameter is missing, or has a value that cannot be."""

    def __init__(self, name: str, why: object) -> None:
        super().__init__(f'invalid parameter "{name}": {why}')


@dataclass(frozen=True, slots=True)
class Steps:
    """The instants of a range query: start, start + step, ..., none after end. Milliseconds."""

    start_ms: int
    end_ms: int
    step_ms: int


@dataclass(frozen=True, slots=True)
class Parameters:
    """All values of each name; the form's come before the URL's."""

    values: Mapping[str, Sequence[str]]

    def text(self, name: str, default: str = "") -> str:
        """Return the first value of a name."""
        found = self.values.get(name)
        return found[0] if found else default

    def time_ms(self, name: str, default_ms: int | None = None) -> int:
        """Return a time; BadParameter when there is none and no default."""
        text = self.text(name)
        if not text and default_ms is not None:
            return default_ms
        return _named(name, text, "timestamp", _time_ms(text))

    def duration_ms(self, name: str) -> int | None:
        """Return a duration; None when it is not given."""
        text = self.text(name)
        return _named(name, text, "duration", duration_ms(text)) if text else None

    def limit(self) -> int:
        """Return how many elements an answer may have; 0: any number."""
        text = self.text("limit")
        if text and not re.fullmatch(r"[+-]?\d{1,18}", text):
            raise BadParameter("limit", f'cannot parse "{text}" to a number')
        if int(text or 0) < 0:
            raise BadParameter("limit", "limit must be non-negative")
        return int(text or 0)

    def steps(self) -> Steps:
        """Return the instants of a range query, 11,000 at most."""
        start_ms, end_ms = self.time_ms("start"), self.time_ms("end")
        if end_ms < start_ms:
            raise BadParameter("end", "end timestamp must not be before start time")
        step = self.text("step")
        step_ms = _named("step", step, "duration", duration_ms(step))
        if step_ms <= 0:
            raise BadParameter(
                "step",
                "zero or negative query resolution step widths are not accepted."
                " Try a positive integer",
            )
        if (end_ms - start_ms) // step_ms > MAX_POINTS:
            raise BadQuery(
                "exceeded maximum resolution of 11,000 points per timeseries."
                " Try decreasing the query resolution (?step=XX)"
            )
        return Steps(start_ms, end_ms, step_ms)

    def selectors(self, *, required: bool) -> list[tuple[Matcher, ...]]:
        """Return the matchers of every ``match[]``."""
        texts = self.values.get("match[]", ())
        if required and not texts:
            raise BadQuery("no match[] parameter provided")
        return [_matchers(text) for text in texts]


async def read_parameters(request: Request) -> Parameters:
    """Read the query string, and the body if it is a form."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    if request.method == "POST" and request.headers.get("content-type", "").startswith(_FORM):
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise BadQuery("error parsing form values: http: POST too large")
        pairs = [*parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True), *pairs]
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return Parameters(values)


def label_of_path(name: str) -> str:
    """Return the label that a path means: ``U__`` begins an escaped one, ``_2e_`` is a dot."""
    if not name.startswith("U__"):
        return name
    escaped = name.removeprefix("U__")
    found = list(_ESCAPED.finditer(escaped))
    if any(one[0] == "_" or int(one[1] or "0", 16) > 0x10FFFF for one in found):
        return name
    return _ESCAPED.sub(lambda one: chr(int(one[1], 16)) if one[1] else "_", escaped)


def duration_ms(text: str) -> int | None:
    """Return a duration of float seconds or such as 1h30m; None when it is none."""
    seconds = _float(text)
    if seconds is not None:
        return _milliseconds(seconds)
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    amounts = zip(match.groups("0"), _UNITS_MS.values(), strict=True)
    total = sum(int(count) * unit for count, unit in amounts)
    return total if total < 2**63 // 10**6 else None


def _named(name: str, text: str, noun: str, value: int | None) -> int:
    if value is None:
        raise BadParameter(name, f'cannot parse "{text}" to a valid {noun}')
    return value


def _time_ms(text: str) -> int | None:
    seconds = _float(text)
    if seconds is not None:
        return _milliseconds(seconds)
    if not _ZONED.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def _float(text: str) -> float | None:
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None


def _milliseconds(seconds: float) -> int | None:
    if not math.isfinite(seconds) or abs(seconds) > _MAX_S:
        return None
    fraction, whole = math.modf(seconds)
    return int(whole) * 1000 + math.floor(fraction * 1000 + 0.5)


def _matchers(text: str) -> tuple[Matcher, ...]:
    try:
        found = parse(text)
    except BadQuery as error:
        raise BadParameter("match[]", error) from error
    if not isinstance(found, Selector) or found.offset_ms or found.at is not None:
        raise BadParameter("match[]", "expected a series selector")
    if all(predicate(matcher)("") for matcher in found.matchers):
        raise BadParameter("match[]", "match[] must contain at least one non-empty matcher")
    return found.matchers
