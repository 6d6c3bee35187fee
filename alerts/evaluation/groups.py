"""A group at one time: its rules in order, later ones seeing the series of earlier ones.

Pure but for the time that it takes, told by a clock that is given. A rule that fails leaves its
state and its series as they were, and the others go on.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from alerts.evaluation.definitions import Alerting, Definition, Group, name_of
from alerts.evaluation.overlay import Overlay
from alerts.evaluation.restoring import GRACE_MS, last_states, restored
from alerts.evaluation.rules import RuleFailed, World, alerted, asking, recorded
from alerts.evaluation.sending import Notice, due
from alerts.evaluation.series import Sample, alert_samples, ended
from alerts.evaluation.states import Alert
from collector.promql.samples import Labels, Source

Health = Literal["unknown", "ok", "err"]


@dataclass(frozen=True, slots=True)
class RuleState:
    """What is known of a rule. ``written``: its series of the last evaluation that went well."""

    rule: Definition
    alerts: tuple[Alert, ...] = ()
    written: tuple[Labels, ...] = ()
    health: Health = "unknown"
    last_error: str = ""
    evaluated_ms: int | None = None
    seconds: float = 0.0
    is_restored: bool = True

    @property
    def state(self) -> str:
        """The state of the alert that is worst."""
        states = {alert.state for alert in self.alerts}
        return "firing" if "firing" in states else "pending" if "pending" in states else "inactive"


@dataclass(frozen=True, slots=True)
class GroupState:
    """What is known of a group. ``evaluations`` is how often it was evaluated."""

    group: Group
    rules: tuple[RuleState, ...]
    evaluated_ms: int | None = None
    seconds: float = 0.0
    evaluations: int = 0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A group after an evaluation: what is to be written, and what is to be told."""

    state: GroupState
    samples: tuple[Sample, ...]
    notices: tuple[Notice, ...]


def begin(group: Group, *, restores: bool = False) -> GroupState:
    """Return a group that was never evaluated; ``restores``: there may be states of before."""
    return GroupState(
        group, tuple(RuleState(rule, is_restored=not restores) for rule in group.rules)
    )


def evaluate(
    state: GroupState,
    source: Source,
    at_ms: int,
    *,
    world: World,
    clock_s: Callable[[], float],
) -> Evaluated:
    """Evaluate a group once."""
    began_s = clock_s()
    group = state.group
    overlay = Overlay(source)
    samples: list[Sample] = []
    notices: list[Notice] = []
    rules: list[RuleState] = []
    for one in state.rules:
        rule_began_s = clock_s()
        after, written, told = _evaluated(one, group, overlay, at_ms, world)
        overlay.add(written)
        samples += written
        notices += told
        seconds = clock_s() - rule_began_s
        rules.append(replace(after, evaluated_ms=at_ms, seconds=seconds))
    done = GroupState(group, tuple(rules), at_ms, clock_s() - began_s, state.evaluations + 1)
    return Evaluated(done, tuple(samples), tuple(notices))


def restore(state: GroupState, source: Source, at_ms: int) -> GroupState:
    """Return a group whose alerts know since when they were active before a restart."""
    return replace(state, rules=tuple(_restored(one, source, at_ms) for one in state.rules))


def continued(state: GroupState, group: Group) -> tuple[GroupState, list[Labels]]:
    """Return a changed group with what is known of rules that stayed, and the series that ended.

    A rule stays if its name and labels do; of several such, the first takes the first's state.
    """
    left = list(state.rules)
    rules: list[RuleState] = []
    for rule in group.rules:
        known = next((one for one in left if _identity(one.rule) == _identity(rule)), None)
        if known is None:
            rules.append(RuleState(rule))
            continue
        left.remove(known)
        rules.append(replace(known, rule=rule))
    kept = {labels for one in rules for labels in one.written}
    gone = [labels for one in left for labels in one.written if labels not in kept]
    return replace(state, group=group, rules=tuple(rules)), gone


def ends(labels: Iterable[Labels], at_ms: int) -> list[Sample]:
    """Return the stale markers of series that nobody writes any more."""
    return ended(labels, (), at_ms)


def _identity(rule: Definition) -> tuple[type, str, Labels]:
    return type(rule), name_of(rule), rule.labels


def _evaluated(
    one: RuleState, group: Group, source: Source, at_ms: int, world: World
) -> tuple[RuleState, Sequence[Sample], Sequence[Notice]]:
    query_ms = at_ms - group.query_offset_ms
    ask = asking(source, query_ms, world.options)
    notices: list[Notice] = []
    alerts: Sequence[Alert] = ()
    try:
        if isinstance(one.rule, Alerting):
            before = {alert.labels: alert for alert in one.alerts}
            found = alerted(one.rule, before, ask, at_ms, world=world, limit=group.limit)
            notices, alerts = due(found.values(), at_ms, group.interval_ms, one.rule.expr)
            written = alert_samples(alerts, query_ms) if one.is_restored else []
        else:
            written = recorded(one.rule, ask, query_ms, group.limit)
    except RuleFailed as error:
        kept = () if error.is_reset else one.alerts
        return replace(one, alerts=kept, health="err", last_error=str(error)), (), ()
    now = tuple(sample.labels for sample in written)
    after = replace(one, alerts=tuple(alerts), written=now, health="ok", last_error="")
    return after, [*written, *ended(one.written, written, query_ms)], notices


def _restored(one: RuleState, source: Source, at_ms: int) -> RuleState:
    if one.is_restored or not isinstance(one.rule, Alerting) or one.rule.hold_ms < GRACE_MS:
        return replace(one, is_restored=True)
    alerts = {alert.labels: alert for alert in one.alerts}
    states = last_states(one.rule, source, at_ms)
    after = restored(one.rule, alerts, states, at_ms)
    return replace(one, alerts=tuple(after.values()), is_restored=True)
