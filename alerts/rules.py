"""The nouns of a Prometheus rule file. Values only; ``rulefile`` writes them.

Format: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """An expression kept under a name of the form level:metric:operations."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """An expression that must be empty. ``for_`` is how long it may not be; empty: not at all."""

    alert: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    for_: str = ""


Rule = RecordingRule | AlertingRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that Prometheus evaluates in this order, at this interval."""

    name: str
    interval: str
    rules: tuple[Rule, ...]
