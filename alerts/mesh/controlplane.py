"""Alerts on what the control plane tells of itself, for a Prometheus that scrapes its /metrics.

Sources of the choices: the service mesh guide's M7 (a push takes less than 10 s) and its config
drift.
"""

from typing import Final

from alerts import names
from alerts.mesh.alert import MeshAlert, Proof

PUSH_S: Final = 10


def control_plane_alerts() -> tuple[MeshAlert, ...]:
    """Return the alerts of the control plane."""
    return (_push_slow(), _drift())


def _push_slow() -> MeshAlert:
    bucket = f"{names.PUSH_SECONDS}_bucket"
    return MeshAlert(
        "MeshConfigPushSlow",
        "ticket",
        f"histogram_quantile(0.99, sum by (le) (increase({bucket}[10m]))) > {PUSH_S}",
        "Configuration reaches proxies slowly",
        "One in a hundred answers to a push took {{ $value | humanizeDuration }} or more within 10 "
        "minutes, from the push until the proxy had it in force.",
        "/services",
        Proof(
            {
                f'{bucket}{{le="10"}}': "0x80",
                f'{bucket}{{le="30"}}': "0+1x20 20x60",
                f'{bucket}{{le="+Inf"}}': "0+1x20 20x60",
            },
            fires="10m",
            ends="25m",
            value=29.8,
            labels={},
        ),
        for_="2m",
    )


def _drift() -> MeshAlert:
    cart = {"service": "cart", "node": "cart-v1"}
    return MeshAlert(
        "MeshConfigDrift",
        "ticket",
        f"{names.IN_SYNC} == 0",
        "{{ $labels.node }} does not have the mesh's configuration",
        "The proxy {{ $labels.node }} of {{ $labels.service }} is not connected, or has not taken "
        "what was pushed to it, for two minutes.",
        "/services",
        Proof(
            {
                names.selector(names.IN_SYNC, **cart): "1x10 0x20 1x20",
                names.selector(names.IN_SYNC, service="web", node="web-v1"): "1x5 0x2 1x50",
            },
            fires="10m",
            ends="20m",
            value=0,
            labels=cart,
        ),
        for_="2m",
    )
