"""Alerts on requests between services, out of the mesh's own counters.

Sources of the choices: the service mesh guide's M4 and F4 (retries and loops amplify), M5 and F6
(circuit breakers), F8 (partitions), scenario 2 (egress) and its call for mTLS everywhere.
"""

from typing import Final

from alerts import names
from alerts.mesh.alert import MeshAlert, Proof, counted

RETRY_RATIO: Final = 0.2
RETRY_MIN: Final = 20
UNREACHABLE_RATIO: Final = 0.05
UNREACHABLE_MIN: Final = 10
AMPLIFIED: Final = 3
AMPLIFIED_MIN: Final = 1000
EDGE: Final = "{{ $labels.source }}%3E{{ $labels.destination }}"
"""How a page names the edge of an alert: ``source>destination``, escaped for a URL."""
_CALLEE: Final = "{{ $labels.destination }}"
_EDGE_PAGE: Final = f"/topology?selected={EDGE}"
_PAIR: Final = {"source": "frontend", "destination": "cart"}


def traffic_alerts() -> tuple[MeshAlert, ...]:
    """Return the alerts on traffic."""
    return (
        _plaintext(),
        _retry_amplification(),
        _circuit_breaker(),
        _unreachable(),
        _egress_denied(),
        _amplification(),
    )


def _plaintext() -> MeshAlert:
    plain = f'{names.TLS_REQUESTS}{{mtls="plaintext",source!="external"}}'
    return MeshAlert(
        "MeshPlaintextTraffic",
        "ticket",
        f"{_per_edge(plain)} > 0",
        "{{ $labels.source }} calls {{ $labels.destination }} in plaintext",
        "{{ $value | humanize }} requests inside the mesh in 5 minutes were neither encrypted nor "
        "authenticated.",
        _EDGE_PAGE,
        Proof(
            {
                _series(names.TLS_REQUESTS, mtls="plaintext"): "_x11 10+10x9 100x40",
                _series(names.TLS_REQUESTS, mtls="mtls"): "0+10x60",
                names.selector(
                    names.TLS_REQUESTS, source="external", destination="cart", mtls="plaintext"
                ): "0+10x60",
                _series(names.REQUESTS, code="200"): "0+20x60",
            },
            fires="10m",
            ends="20m",
            value=100,
            labels=_PAIR,
        ),
        service=_CALLEE,
    )


def _retry_amplification() -> MeshAlert:
    retries = f"sum by (source, destination) (increase({names.RETRIES}[5m]))"
    requests = f"sum by (source, destination) (increase({names.REQUESTS}[5m]))"
    few = {"source": "frontend", "destination": "catalog"}
    return MeshAlert(
        "MeshRetryAmplification",
        "ticket",
        f"{retries} / ({requests} > 0) > {RETRY_RATIO}\nand\n{retries} >= {RETRY_MIN}",
        "{{ $labels.source }} retries its calls to {{ $labels.destination }}",
        '{{ printf "%.2f" $value }} retries per request in 5 minutes: they hide failures from '
        "callers and add load to a service that already has too much.",
        _EDGE_PAGE,
        Proof(
            {
                _series(names.REQUESTS, code="200"): "0+100x60",
                _series(names.RETRIES): "0+50x20 1000x40",
                names.selector(names.REQUESTS, **few, code="200"): "0+1x60",
                names.selector(names.RETRIES, **few): "0+1x60",
            },
            fires="10m",
            ends="20m",
            value=0.5,
            labels=_PAIR,
        ),
        for_="2m",
        service=_CALLEE,
    )


def _circuit_breaker() -> MeshAlert:
    refused = f'{names.REQUESTS}{{flags=~"(.*,)?UO(,.*)?"}}'
    return MeshAlert(
        "MeshCircuitBreakerTripped",
        "ticket",
        f"{_per_edge(refused)} > 0",
        "The circuit breaker from {{ $labels.source }} to {{ $labels.destination }} refuses",
        "{{ $value | humanize }} requests in 5 minutes were refused by the caller's own proxy, "
        "because too many were under way already.",
        _EDGE_PAGE,
        Proof(
            {
                _series(names.REQUESTS, code="503", flags="UO"): "_x11 7+7x9 70x40",
                _series(names.REQUESTS, code="200", flags="-"): "0+100x60",
                _series(names.REQUESTS, code="503", flags="UF"): "0+10x60",
            },
            fires="10m",
            ends="20m",
            value=70,
            labels=_PAIR,
        ),
        service=_CALLEE,
    )


def _unreachable() -> MeshAlert:
    failed = f'{names.REQUESTS}{{source!="external",flags=~"(.*,)?(UF|UH)(,.*)?"}}'
    requests = f"sum by (source, destination) (increase({names.REQUESTS}[5m]))"
    return MeshAlert(
        "MeshUpstreamUnreachable",
        "ticket",
        f"{_per_edge(failed)} >= {UNREACHABLE_MIN}\nand\n"
        f"{_per_edge(failed)} > {UNREACHABLE_RATIO} * {requests}",
        "{{ $labels.source }} cannot reach {{ $labels.destination }}",
        "{{ $value | humanize }} requests in 5 minutes found no connection or no healthy endpoint. "
        "When other callers do reach it, the network between them is cut.",
        _EDGE_PAGE,
        Proof(
            {
                _series(names.REQUESTS, code="503", flags="UF"): "_x11 5+5x9 50x40",
                _series(names.REQUESTS, code="200", flags="-"): "0+50x60",
                names.selector(
                    names.REQUESTS, source="checkout", destination="cart", code="503", flags="UF"
                ): "0+0.5x60",
            },
            fires="10m",
            ends="20m",
            value=50,
            labels=_PAIR,
        ),
        for_="1m",
        service=_CALLEE,
    )


def _egress_denied() -> MeshAlert:
    denied = f'{names.REQUESTS}{{destination="unknown",route="egress-deny"}}'
    window = "10m"
    return MeshAlert(
        "MeshEgressDenied",
        "ticket",
        f"sum by (source) ({counted(denied, window, beside=names.REQUESTS)}) > 0",
        "{{ $labels.source }} calls what it may not",
        "{{ $value | humanize }} requests in 10 minutes went to a host that the mesh does not know "
        "or {{ $labels.source }} may not call, and were refused with 502.",
        "/topology?selected={{ $labels.source }}",
        Proof(
            {
                names.selector(
                    names.REQUESTS, source="cart", destination="unknown", route="egress-deny"
                ): "_x25 3x60",
                names.selector(
                    names.REQUESTS, source="cart", destination="unknown", route="other"
                ): "0+1x85",
                _series(names.REQUESTS, code="200"): "0+100x85",
            },
            fires="15m",
            ends="35m",
            value=3,
            labels={"source": "cart"},
        ),
        service="{{ $labels.source }}",
    )


def _amplification() -> MeshAlert:
    def per_request(offset: str = "") -> str:
        inside, outside = (
            f'sum(increase({names.REQUESTS}{{source{op}"external"}}[5m]{offset}))'
            for op in ("!=", "=")
        )
        return f"{inside} / ({outside} > 0)"

    inside = f'sum(increase({names.REQUESTS}{{source!="external"}}[5m]))'
    return MeshAlert(
        "MeshTrafficAmplification",
        "ticket",
        f"{per_request()}\n> {AMPLIFIED} * ({per_request(' offset 1h')})\n"
        f"and\n{inside} >= {AMPLIFIED_MIN}",
        "One request from outside makes far more inside than an hour ago",
        '{{ printf "%.1f" $value }} requests inside the mesh for each one that came from outside, '
        f"over {AMPLIFIED} times as many as an hour ago: a routing loop, or retries of retries.",
        "/topology",
        Proof(
            {
                names.selector(
                    names.REQUESTS, source="external", destination="gateway", code="200"
                ): "0+100x300",
                _series(names.REQUESTS, code="200"): "0+200x140 28000+2000x20 68000+200x140",
            },
            fires="79m",
            ends="100m",
            value=20.0,
            labels={},
        ),
        for_="2m",
    )


def _per_edge(selector: str) -> str:
    grown = counted(selector, "5m", beside=names.REQUESTS)
    return f"sum by (source, destination) ({grown})"


def _series(metric: str, **labels: str) -> str:
    return names.selector(metric, **_PAIR, **labels)
