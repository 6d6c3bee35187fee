"""Type, unit and help of every metric, by its Prometheus name.

Never reads a point. https://prometheus.io/docs/prometheus/latest/querying/api/#querying-metric-metadata
"""

import re
from dataclasses import dataclass
from typing import Final

from collector import semconv
from collector.prometheus.names import parsed
from collector.prometheus.source import StoreSource
from collector.prometheus.streams import LAST_SEEN, TARGET_INFO

_WRITTEN: Final = f"{semconv.REMOTE_WRITE}/"
"""Before the names of families that a Prometheus described, in JSON."""
_PART: Final = re.compile(r"_(bucket|sum|count)$")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a metric; '' when nothing is."""

    type: str
    unit: str
    help: str


def read_metadata(source: StoreSource) -> dict[str, list[Metadata]]:
    """Return what exporters say of each metric; several may say different things."""
    helps: dict[str, list[str]] = {}
    written: dict[str, list[Metadata]] = {}
    for name, help_ in source.cursor.execute(
        "SELECT name, description FROM metric_descriptions ORDER BY ALL"
    ).fetchall():
        if name.startswith(_WRITTEN):
            written.setdefault(name.removeprefix(_WRITTEN), []).append(_as_written(help_))
        else:
            helps.setdefault(name, []).append(help_)
    found = {
        name: [
            Metadata(one.type, one.unit, told)
            for one in sorted(known, key=lambda one: (one.name, one.type, one.unit))
            for told in helps.get(one.name, [""])
        ]
        for name, known in source.known.streams.described().items()
    }
    for name, told_of in written.items():
        found[name] = [*found.get(name, []), *told_of]
    for family in source.known.edges.families:
        is_part = family.type == "histogram"
        name = _PART.sub("", family.name) if is_part else family.name
        if not (family.yields and name in found):
            found[name] = [Metadata(family.type, "", family.help)]
    found[TARGET_INFO] = [Metadata("gauge", "", "Target metadata")]
    found[LAST_SEEN] = [Metadata("gauge", "", "When a proxy last exported, to 10 s.")]
    return found


def _as_written(document: str) -> Metadata:
    told = parsed(document)
    return Metadata(*(str(told.get(key, "")) for key in ("type", "unit", "help")))
