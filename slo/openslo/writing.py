"""OpenSLO v1 objects to a file's text, in the order of the specification.

Never reads; what is written here, ``files`` reads back strictly.
"""

import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ruamel.yaml import YAML

from slo.model import TimeWindow

Object = dict[str, Any]
WINDOW: Final = TimeWindow(30 * 86_400)


def service_object(name: str, *, description: str = "") -> Object:
    """Return a Service."""
    return _object("Service", name, {"description": description} if description else {})


def slo_object(
    name: str,
    service: str,
    metric: Mapping[str, Any],
    objective: Mapping[str, Any],
    *,
    display_name: str = "",
    description: str = "",
    window: str = WINDOW.duration,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Object:
    """Return an SLO over a rolling window that counts occurrences of its own indicator."""
    spec: Object = {
        **({"description": description} if description else {}),
        "service": service,
        "indicator": {"metadata": {"name": name}, "spec": dict(metric)},
        "timeWindow": [{"duration": window, "isRolling": True}],
        "budgetingMethod": "Occurrences",
        "objectives": [dict(objective)],
    }
    return _object(
        "SLO",
        name,
        spec,
        {"displayName": display_name, "labels": labels, "annotations": annotations},
    )


def metric_source(type_: str, spec: Mapping[str, Any]) -> Object:
    """Return a metric."""
    return {"metricSource": {"type": type_, "spec": dict(spec)}}


def percent(target: Decimal) -> Mapping[str, Any]:
    """Return the target of an objective, in percent and no digit longer than it must be."""
    text = f"{(target * 100).normalize():f}"
    return {"targetPercent": int(text) if text.isdigit() else float(text)}


def dump(objects: Sequence[Object], *, header: str = "") -> str:
    """Return the text of a file; the header becomes comments."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 10_000
    yaml.explicit_start = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    for line in header.splitlines():
        out.write(f"# {line}".rstrip() + "\n")
    for one in objects:
        yaml.dump(one, out)
    return out.getvalue()


def _object(kind: str, name: str, spec: Object, about: Mapping[str, Any] | None = None) -> Object:
    told = {key: _plain(value) for key, value in (about or {}).items() if value}
    return {
        "apiVersion": "openslo/v1",
        "kind": kind,
        "metadata": {"name": name, **told},
        "spec": spec,
    }


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
