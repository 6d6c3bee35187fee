"""One rule at one time: its expression evaluated, its series and its alerts after that.

Pure: the source of samples is given. A mistake is RuleFailed, and changes no state but that an
alert rule over its limit begins anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from alerts.evaluation.definitions import Alerting, Recording
from alerts.evaluation.series import Sample, named
from alerts.evaluation.states import Alert, Alerts, Seen, advance
from alerts.templates.expansion import Setting, expand
from alerts.templates.values import FailedTemplate, Found
from collector.promql.engine import instant
from collector.promql.errors import QueryError
from collector.promql.expressions import Expression
from collector.promql.options import Options
from collector.promql.parser import parse
from collector.promql.samples import Grid, Labels, Scalar, Source


class RuleFailed(Exception):
    """A rule has no result at this time; ``is_reset``: its alerts are forgotten."""

    def __init__(self, reason: str, *, is_reset: bool = False) -> None:
        super().__init__(reason)
        self.is_reset = is_reset


@dataclass(frozen=True, slots=True)
class World:
    """What rules are evaluated in."""

    external_url: str = ""
    external_labels: Mapping[str, str] = field(default_factory=dict)
    options: Options = field(default_factory=lambda: Options(skips_unneeded=True))


Answered = list[tuple[Labels, float]]
Ask = Callable[[str], Answered]


def asking(source: Source, at_ms: int, options: Options) -> Ask:
    """Return what evaluates an expression at one time to labels and values."""

    def ask(expr: str) -> Answered:
        try:
            value = instant(source, _parsed(expr), at_ms, options).value
        except QueryError as error:
            raise RuleFailed(str(error)) from error
        match value:
            case Scalar(_, values):
                return [((), float(values[0]))]
            case Grid(labels, _, values, present, histograms):
                if histograms is not None and any(one is not None for one in histograms[:, 0]):
                    raise RuleFailed("the result has native histograms, which are not kept")
                numbers = values[:, 0].tolist()
                kept = present[:, 0].tolist()
                return [
                    (one, number)
                    for one, number, is_there in zip(labels, numbers, kept, strict=True)
                    if is_there
                ]
            case _:
                raise RuleFailed("rule result is not a vector or scalar")

    return ask


@lru_cache(maxsize=32_768)
def _parsed(expr: str) -> Expression:
    return parse(expr)


def recorded(rule: Recording, ask: Ask, at_ms: int, limit: int = 0) -> list[Sample]:
    """Return the samples of a recording rule; ``at_ms`` is the time of the expression."""
    labels = dict(rule.labels) | {"__name__": rule.record}
    found = [Sample(named(own, **labels), at_ms, value) for own, value in ask(rule.expr)]
    if len({sample.labels for sample in found}) < len(found):
        raise RuleFailed(
            "vector contains metrics with the same labelset after applying rule labels"
        )
    if limit and len(found) > limit:
        raise RuleFailed(f"exceeded limit of {limit} with {len(found)} series")
    return found


def alerted(
    rule: Alerting, before: Alerts, ask: Ask, at_ms: int, *, world: World, limit: int = 0
) -> dict[Labels, Alert]:
    """Return the alerts of a rule after an evaluation; ``at_ms`` is the time of the evaluation."""
    setting = Setting(_querying(ask), at_ms, world.external_url, world.external_labels)
    seen: dict[Labels, Seen] = {}
    for labels, value in ask(rule.expr):
        own = dict(labels)

        def filled(text: str, own: dict[str, str] = own, value: float = value) -> str:
            return expand(text, rule.alert, own, value, setting)

        told = {name: filled(text) for name, text in rule.labels}
        bare = [pair for pair in labels if pair[0] != "__name__"]
        identity = named(bare, **told | {"alertname": rule.alert})
        if identity in seen:
            raise RuleFailed(
                "vector contains metrics with the same labelset after applying alert labels"
            )
        annotations = tuple((name, filled(text)) for name, text in rule.annotations)
        seen[identity] = Seen(value, annotations)
    after = advance(before, seen, at_ms, hold_ms=rule.hold_ms, keep_firing_ms=rule.keep_firing_ms)
    active = sum(alert.is_active for alert in after.values())
    if limit and active > limit:
        raise RuleFailed(f"exceeded limit of {limit} with {active} alerts", is_reset=True)
    return after


def _querying(ask: Ask) -> Callable[[str], list[Found]]:
    def query(expr: str) -> list[Found]:
        try:
            return [Found(dict(labels), value) for labels, value in ask(expr)]
        except RuleFailed as error:
            raise FailedTemplate(str(error)) from error

    return query
