"""OTLP names, units and attributes -> the metric names and labels of Prometheus.

Pure text. The strategies are those of Prometheus's OTLP receiver; the profile ``envoy`` names
Envoy's own statistics as Envoy's admin page does, which is what public dashboards ask for.
Spec: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from collector.otlp.attributes import text
from collector.promql.samples import Labels

Strategy = Literal[
    "UnderscoreEscapingWithSuffixes",
    "UnderscoreEscapingWithoutSuffixes",
    "NoUTF8EscapingWithSuffixes",
    "NoTranslation",
]
"""The names that Prometheus gives them in ``otlp.translation_strategy``."""
DEFAULT_STRATEGY: Final[Strategy] = "UnderscoreEscapingWithSuffixes"

METRIC_NAME: Final = "__name__"
JOB: Final = "job"
INSTANCE: Final = "instance"
_UNITS: Final[Mapping[str, str]] = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER_UNITS: Final[Mapping[str, str]] = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}
_NO_TOKEN: Final = re.compile(r"[^a-zA-Z0-9:]+")
_NO_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]")
_ENVOY: Final = "envoy"


@dataclass(frozen=True, slots=True)
class Metric:
    """What a name is made of. ``type`` is that of the store: gauge, sum, histogram..."""

    name: str
    unit: str
    type: str
    is_monotonic: bool


@dataclass(frozen=True, slots=True)
class Naming:
    """How names are made. ``has_envoy_profile``: Envoy's own statistics as Envoy names them."""

    strategy: Strategy = DEFAULT_STRATEGY
    has_envoy_profile: bool = True

    def metric(self, metric: Metric, resource: Mapping[str, Any]) -> str:
        """Return the name of a metric, without the suffix of a histogram's parts."""
        if self.has_envoy_profile and resource.get("telemetry.sdk.name") == _ENVOY:
            bare = "_".join(_tokens(metric.name))
            return bare if bare.startswith("envoy_") else f"envoy_{bare}"
        return metric_name(metric, self.strategy)

    def labels(self, attributes: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, str]:
        """Return the labels of a stream: its attributes, and who exported it."""
        return label_values(attributes, escape=self._escapes) | identity(resource)

    def target_info(self, resource: Mapping[str, Any]) -> dict[str, str] | None:
        """Return the labels of ``target_info``; None when a resource has nothing to tell."""
        who = identity(resource)
        rest = {key: value for key, value in resource.items() if key not in _IDENTIFYING}
        told = label_values(rest, escape=self._escapes)
        return told | who if who and told else None

    @property
    def _escapes(self) -> bool:
        return self.strategy.startswith("Underscore")


_IDENTIFYING: Final = frozenset(["service.name", "service.namespace", "service.instance.id"])


def metric_name(metric: Metric, strategy: Strategy = DEFAULT_STRATEGY) -> str:
    """Return a name with its unit, and ``total`` or ``ratio``, unless the strategy has none."""
    match strategy:
        case "NoTranslation":
            return metric.name
        case "NoUTF8EscapingWithSuffixes":
            return _with_suffixes(metric)
        case "UnderscoreEscapingWithoutSuffixes":
            return _leading("_".join(_tokens(metric.name)))
        case "UnderscoreEscapingWithSuffixes":
            return _leading("_".join(_suffixed(_tokens(metric.name), metric)))


def label_name(key: str) -> str:
    """Return a label name of letters, digits and underscores."""
    name = _NO_LABEL.sub("_", key)
    if name[:1].isdigit():
        return f"key_{name}"
    return f"key{name}" if name.startswith("_") and not name.startswith("__") else name


def label_values(attributes: Mapping[str, Any], *, escape: bool = True) -> dict[str, str]:
    """Return labels; values of keys that become one name are joined by ``;``, sorted by key."""
    found: dict[str, str] = {}
    for key, value in sorted(attributes.items()):
        name = label_name(key) if escape else key
        told = text(value)
        if told and name and name != METRIC_NAME:
            found[name] = f"{found[name]};{told}" if name in found else told
    return found


def identity(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return job and instance of a resource, as far as it tells them."""
    service, namespace, instance = (
        text(resource.get(key))
        for key in ("service.name", "service.namespace", "service.instance.id")
    )
    job = f"{namespace}/{service}" if namespace and service else service
    return {name: value for name, value in ((JOB, job), (INSTANCE, instance)) if value}


def as_labels(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Return labels sorted by name, without empty values."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return tuple(sorted((name, value) for name, value in items if value))


def parsed(document: str) -> dict[str, Any]:
    """Return the attributes in a column of the store; {} when it holds no object."""
    found = orjson.loads(document)
    return found if isinstance(found, dict) else {}


def unit_words(unit: str) -> list[str]:
    """Return the words that a unit adds to a name: main unit, then per what."""
    main, _, per = unit.partition("/")
    words = [_unit(main, _UNITS)]
    by = _unit(per, _PER_UNITS)
    return [word for word in (*words, f"per_{by}" if by else "") if word]


def _unit(text: str, table: Mapping[str, str]) -> str:
    text = text.strip()
    if "{" in text or "}" in text:
        return ""
    return "_".join(_tokens(table.get(text, text)))


def _tokens(name: str) -> list[str]:
    return [token for token in _NO_TOKEN.split(name) if token]


def _suffixed(tokens: list[str], metric: Metric) -> list[str]:
    words = [word for word in unit_words(metric.unit) if word not in tokens]
    found = [*tokens, *words]
    if metric.type == "sum" and metric.is_monotonic:
        found = [*(word for word in found if word != "total"), "total"]
    if metric.type == "gauge" and metric.unit == "1":
        found = [*(word for word in found if word != "ratio"), "ratio"]
    return found


def _with_suffixes(metric: Metric) -> str:
    name = metric.name
    suffixes = unit_words(metric.unit)
    if metric.type == "sum" and metric.is_monotonic:
        name = name.removesuffix("_total")
        suffixes = [*suffixes, "total"]
    if metric.type == "gauge" and metric.unit == "1":
        suffixes = [*suffixes, "ratio"]
    for suffix in suffixes:
        name = name if name.endswith(f"_{suffix}") else f"{name}_{suffix}"
    return name


def _leading(name: str) -> str:
    return f"_{name}" if name[:1].isdigit() else name
