"""The nouns of a rule file as they are evaluated: expressions checked, durations in milliseconds.

Values only. ``alerts.rules`` are those that we generate.
https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

from dataclasses import dataclass

from collector.promql.samples import Labels


@dataclass(frozen=True, slots=True)
class Recording:
    """An expression whose value is kept under a name."""

    record: str
    expr: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Alerting:
    """An expression whose elements are alerts.

    hold_ms: how long one is pending before it fires. keep_firing_ms: how long it still fires when
    its element is gone. Labels and annotations are templates.
    """

    alert: str
    expr: str
    hold_ms: int = 0
    keep_firing_ms: int = 0
    labels: Labels = ()
    annotations: Labels = ()


Definition = Recording | Alerting


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated in this order.

    query_offset_ms: how long before now the expressions are evaluated. limit: how many series or
    active alerts a rule may have; 0 is any number.
    """

    name: str
    file: str
    interval_ms: int
    rules: tuple[Definition, ...]
    query_offset_ms: int = 0
    limit: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other groups."""
        return self.file, self.name


def name_of(rule: Definition) -> str:
    """Return the name of a rule: of its metric, or of its alert."""
    return rule.record if isinstance(rule, Recording) else rule.alert
