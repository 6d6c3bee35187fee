"""What the control plane tells a Prometheus: who has the configuration, and how soon it had it.

Never asks a proxy. https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from proxy.xds.stream import Verdict

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_S: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60)


@dataclass(slots=True)
class Pushes:
    """Answers to pushes since the start: those taken, by how long it took, and those refused."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    seconds: float = 0.0
    refused: int = 0

    def take(self, verdicts: list[Verdict]) -> None:
        """Count verdicts, and leave none."""
        for verdict in verdicts:
            if verdict.is_accepted:
                self.counts[bisect_left(BOUNDS_S, verdict.seconds)] += 1
                self.seconds += verdict.seconds
            else:
                self.refused += 1
        verdicts.clear()


def expose(
    services: Mapping[str, str], in_sync: Mapping[str, bool], pushes: Pushes, *, is_rejected: bool
) -> str:
    """Return the text; ``services`` has the service of every workload that should be there."""
    connected = {node: int(node in in_sync) for node in services}
    current = {node: int(in_sync.get(node, False)) for node in services}
    lines = [
        *_head("mesh_proxy_connected", "gauge", "1: the proxy of a workload is on the line."),
        *_by_node("mesh_proxy_connected", services, connected),
        *_head("mesh_proxy_in_sync", "gauge", "1: it has taken all that the mesh file asks for."),
        *_by_node("mesh_proxy_in_sync", services, current),
        *_head("mesh_file_rejected", "gauge", "1: the mesh file is invalid, the last good stays."),
        f"mesh_file_rejected {int(is_rejected)}",
        *_head("mesh_config_refused_total", "counter", "Pushes that proxies refused."),
        f"mesh_config_refused_total {pushes.refused}",
        *_head("mesh_config_push_seconds", "histogram", "From a push until the proxy took it."),
        *_histogram("mesh_config_push_seconds", pushes),
    ]
    return "".join(f"{line}\n" for line in lines)


def _head(name: str, kind: str, told: str) -> tuple[str, str]:
    return f"# HELP {name} {told}", f"# TYPE {name} {kind}"


def _by_node(name: str, services: Mapping[str, str], values: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for each workload; names of the mesh file need no escapes."""
    for node, service in sorted(services.items()):
        yield f'{name}{{service="{service}",node="{node}"}} {values[node]}'


def _histogram(name: str, pushes: Pushes) -> Iterable[str]:
    below = list(accumulate(pushes.counts))
    for bound, number in zip((*BOUNDS_S, "+Inf"), below, strict=True):
        yield f'{name}_bucket{{le="{bound}"}} {number}'
    yield f"{name}_sum {pushes.seconds!r}"
    yield f"{name}_count {below[-1]}"
