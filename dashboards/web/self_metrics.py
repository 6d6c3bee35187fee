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

from alerts.mesh import SILENT_S
from collector.telemetry import Distribution, Instrument, Registry, Values
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
    silent_s: float
    """Seconds since then; a heartbeat is known to 10 s, so that this is the most it can be."""
    is_silent: bool


def exporters(table: pa.Table, now_s: float) -> list[Exporter]:
    """Return the newest state of each instance, sorted by service and instance."""
    newest: dict[tuple[str, str], dict[str, object]] = {}
    for row in table.to_pylist():
        key = (row["service"], row["instance"])
        known = newest.get(key)
        if known is None or row["last_seen_s"] > known["last_seen_s"]:
            newest[key] = row
    return [_exporter(row, now_s) for _, row in sorted(newest.items())]


def _exporter(row: Mapping[str, object], now_s: float) -> Exporter:
    last_seen_s = float(str(row["last_seen_s"]))
    silent_s = max(now_s - last_seen_s, 0.0)
    return Exporter(
        service=str(row["service"]),
        namespace=str(row["namespace"]),
        version=str(row["version"]),
        instance=str(row["instance"]),
        last_seen_s=last_seen_s,
        silent_s=silent_s,
        is_silent=silent_s > SILENT_S,
    )


def exporter_families(found: Sequence[Exporter]) -> list[Family]:
    """Return who was heard when, and who is silent."""
    labels = ("service", "instance")
    return [
        Family(
            "meshscope_exporter_last_seen_timestamp_seconds",
            "gauge",
            "When an exporter was last heard, to 10 s.",
            labels,
            [Sample((one.service, one.instance), one.last_seen_s) for one in found],
        ),
        Family(
            "meshscope_exporter_silent",
            "gauge",
            f"1: not heard for more than {SILENT_S} s.",
            labels,
            [Sample((one.service, one.instance), float(one.is_silent)) for one in found],
        ),
    ]


def registry_families(registry: Registry) -> list[Family]:
    """Read all instruments."""
    return [family for one in registry.instruments() if (family := _family(one)) is not None]


def _family(instrument: Instrument) -> Family | None:
    try:
        samples = _samples(instrument.read())
    except Exception:  # noqa: BLE001 - one broken part must not hide the others
        _LOG.exception("the metric %s cannot be read", instrument.name)
        return None
    return Family(instrument.name, instrument.type, instrument.help, instrument.labels, samples)


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
