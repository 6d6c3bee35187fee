"""Objectives to start with: for each service that is seen, the targets a mesh usually begins at.

Availability 99.9 %, 95 % of requests within 500 ms, and at most 0.5 % of failures among requests
that clients did not get wrong. OpenSLO to adopt and to change; never applied by itself.
"""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from slo.metadata import is_name
from slo.openslo.writing import Object, dump, metric_source, percent, service_object, slo_object

AVAILABILITY: Final = Decimal("0.999")
LATENCY_MS: Final = 500
LATENCY: Final = Decimal("0.95")
ERRORS: Final = Decimal("0.995")
HEADER: Final = """Objectives to start with, made by `meshscope slo starter`: keep what fits.
Serve them with `meshscope serve --slo FILE`; see how they would have done with
`meshscope slo whatif NAME --since 30d`."""

_ALL: Final[Mapping[str, Any]] = MappingProxyType({})


def starter_text(services: Iterable[str]) -> str:
    """Return a file of objectives for some services, in the order of the alphabet.

    A service whose name OpenSLO does not allow is told in the header and left out.
    """
    names = sorted(set(services))
    odd = [name for name in names if not is_name(name)]
    told = (
        f"\nLeft out, for OpenSLO allows no such name: {', '.join(map(json.dumps, odd))}"
        if odd
        else ""
    )
    objects = [one for name in names if is_name(name) for one in _objects(name)]
    return dump(objects, header=HEADER + told)


def _objects(service: str) -> list[Object]:
    return [
        service_object(service),
        _slo(service, "availability", "answers", AVAILABILITY,
             "Requests that were answered without a server error."),
        _slo(service, "latency", "is quick", LATENCY,
             f"Requests that were answered without a server error within {LATENCY_MS} ms.",
             good={"latency": {"thresholdMs": LATENCY_MS}}),
        _slo(service, "errors", "does not fail", ERRORS,
             "Requests without a server error, of those that were not the client's mistake.",
             total={"codes": ["!4xx"]}),
    ]  # fmt: skip


def _slo(
    service: str,
    kind: str,
    words: str,
    target: Decimal,
    description: str,
    *,
    good: Mapping[str, Any] = _ALL,
    total: Mapping[str, Any] = _ALL,
) -> Object:
    part, whole = (
        metric_source("meshscope", {"destination": service, **narrowed})
        for narrowed in (good, total)
    )
    return slo_object(
        f"{service}-{kind}"[:63].rstrip("-"),
        service,
        {"ratioMetric": {"counter": True, "good": part, "total": whole}},
        percent(target),
        display_name=f"{service} {words}"[:63],
        description=description,
    )
