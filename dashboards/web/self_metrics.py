"""The server about itself: instruments of a registry -> families of the Prometheus text format.

Also says which exporters are silent, by the same rule as the alert. Never counts anything itself;
an instrument whose callback fails is left out, and the others are still told.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, assert_never

import pyarrow as pa

from collector.receiver.rhythm import DEFAULT_SILENT_S, Exporters, Heard
from collector.telemetry import Distribution, Registry, Values
from dashboards.web.exposition import Family, Sample

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exporter:
    """When a proxy was last heard, and whether that is too long ago."""

    service: str
    namespace: str
    version: str
    instance: str
    last_seen_s: float
    """Exact when it was heard since the server's start, else known to 10 s."""
    silent_s: float
    """Seconds since then."""
    silent_after_s: float
    """How long it may be quiet: three of its usual intervals, within bounds."""
    is_silent: bool
    """Whether it has been quiet for longer, while there was a server to hear it."""


def exporters(table: pa.Table, now_s: float, known: Exporters | None = None) -> list[Exporter]:
    """Return the newest state of each instance, sorted by service and instance."""
    newest: dict[tuple[str, str], dict[str, object]] = {}
    for row in table.to_pylist():
        key = (row["service"], row["instance"])
        before = newest.get(key)
        if before is None or row["last_seen_s"] > before["last_seen_s"]:
            newest[key] = row
    heard = {} if known is None else known.heard()
    since_s = 0.0 if known is None else known.since_s
    return [_exporter(row, now_s, heard.get(key), since_s) for key, row in sorted(newest.items())]


def _exporter(
    row: Mapping[str, object], now_s: float, heard: Heard | None, since_s: float
) -> Exporter:
    last_seen_s = float(str(row["last_seen_s"])) if heard is None else heard.last_s
    silent_after_s = DEFAULT_SILENT_S if heard is None else heard.silent_after_s
    return Exporter(
        service=str(row["service"]),
        namespace=str(row["namespace"]),
        version=str(row["version"]),
        instance=str(row["instance"]),
        last_seen_s=last_seen_s,
        silent_s=max(now_s - last_seen_s, 0.0),
        silent_after_s=silent_after_s,
        is_silent=now_s - max(last_seen_s, since_s) > silent_after_s,
    )


def exporter_families(found: Sequence[Exporter]) -> list[Family]:
    """Return who was heard when, and who is silent."""
    labels = ("service", "instance")
    return [
        Family(
            "meshscope_exporter_last_seen_timestamp_seconds",
            "gauge",
            "When an exporter was last heard; from before the server's start to 10 s.",
            labels,
            [Sample((one.service, one.instance), one.last_seen_s) for one in found],
        ),
        Family(
            "meshscope_exporter_silent",
            "gauge",
            "1: not heard for three of its usual intervals.",
            labels,
            [Sample((one.service, one.instance), float(one.is_silent)) for one in found],
        ),
    ]


def registry_families(registry: Registry) -> list[Family]:
    """Read all instruments."""
    told = read(registry)
    return [
        Family(one.name, one.type, one.help, one.labels, _samples(told[one.name]))
        for one in registry.instruments()
        if one.name in told
    ]


def read(registry: Registry) -> dict[str, Values]:
    """Return what all instruments tell, by name; those that fail are left out."""
    told: dict[str, Values] = {}
    for one in registry.instruments():
        try:
            told[one.name] = one.read()
        except Exception:  # noqa: BLE001 - one broken part must not hide the others
            _LOG.exception("the metric %s cannot be read", one.name)
    return told


def _samples(values: Values) -> list[Sample]:
    match values:
        case None:
            return []
        case int() | float():
            return [Sample((), values)]
        case Distribution():
            return _buckets(values)
        case Mapping():
            return [Sample(labels, value) for labels, value in sorted(values.items())]
    assert_never(values)


def _buckets(values: Distribution) -> list[Sample]:
    below = list(accumulate(values.counts))
    bounds = [f"{bound:g}" for bound in values.bounds]
    return [
        *(Sample((), n, "_bucket", le) for le, n in zip((*bounds, "+Inf"), below, strict=True)),
        Sample((), values.sum, "_sum"),
        Sample((), below[-1], "_count"),
    ]
