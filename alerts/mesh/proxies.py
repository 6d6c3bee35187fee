"""Alerts on proxies, out of the statistics that Envoys export about themselves.

Sources of the choices: the service mesh guide's M6, M10 and F2, F3, F7. Names are those of our
PromQL and of /metrics/proxies. An Envoy reports no CPU, and so there is no alert on it (F1).
"""

from typing import Final

from alerts import names
from alerts.mesh.alert import MeshAlert, Proof, counted

LIFE_RATIO: Final = 0.25
"""A certificate that has less of its life left was not renewed when it should have been."""
ENDLESS_S: Final = 10**9
"""A longer life is none: a listener that has no certificate yet."""
LONG_LIVED_S: Final = 2 * 86_400
SOON_S: Final = 3 * 86_400
TLS_MIN: Final = 5
RESTARTS: Final = 2
MEMORY_GROWTH: Final = 2
MEMORY_MIN_BYTES: Final = 200_000_000

_SERVICE: Final = '{{ reReplaceAll "^.*/" "" $labels.job }}'
"""A proxy's job may have its namespace before the service."""
_WHO: Final = "{{ $labels.instance }} of {{ $labels.job }}"
_PROXY: Final = {"job": "cart", "instance": "cart-v1"}
_OTHER: Final = {"job": "shop/web", "instance": "web-v1"}


def proxy_alerts() -> tuple[MeshAlert, ...]:
    """Return the alerts on proxies."""
    return (
        _control_plane_down(),
        _config_rejected(),
        *_certificates(),
        _tls_failures(),
        _restarts(),
        _memory(),
    )


def _control_plane_down() -> MeshAlert:
    return MeshAlert(
        "MeshControlPlaneDown",
        "page",
        f"count({names.CONNECTED} == 0) / count({names.CONNECTED}) >= 0.5",
        "Proxies have lost their control plane",
        "{{ $value | humanizePercentage }} of all proxies have no control plane. They work with "
        "what they know: no new route, endpoint or certificate reaches them.",
        "/services",
        Proof(
            {
                names.selector(names.CONNECTED, **_PROXY): "1x20 0x20 1x20",
                names.selector(names.CONNECTED, **_OTHER): "1x60",
            },
            fires="15m",
            ends="25m",
            value=0.5,
            labels={},
        ),
        for_="1m",
    )


def _config_rejected() -> MeshAlert:
    rejected = "\nor\n".join(
        f"{_counted(metric, '10m')} > 0"
        for metric in (names.CLUSTERS_REJECTED, names.LISTENERS_REJECTED)
    )
    return MeshAlert(
        "MeshConfigRejected",
        "ticket",
        rejected,
        "{{ $labels.instance }} refuses its configuration",
        f"{_WHO} refused {{{{ $value | humanize }}}} configurations in 10 minutes and keeps the "
        "last good one: it drifts from the mesh file.",
        "/services",
        Proof(
            {
                names.selector(names.UPTIME, **_PROXY): "0+30x100",
                names.selector(names.UPTIME, **_OTHER): "0+30x100",
                names.selector(names.LISTENERS_REJECTED, **_PROXY): "_x30 1x70",
                names.selector(names.CLUSTERS_REJECTED, **_PROXY): "0x100",
                names.selector(names.CLUSTERS_REJECTED, **_OTHER): "4x100",
            },
            fires="16m",
            ends="40m",
            value=1,
            labels=_PROXY,
        ),
        service=_SERVICE,
    )


def _certificates() -> tuple[MeshAlert, MeshAlert]:
    by = "by (job, instance, envoy_tls_certificate)"
    left = f"(min {by} ({names.LISTENER_EXPIRY} or {names.CLUSTER_EXPIRY}) - time())"
    most = f"max_over_time(({left} < {ENDLESS_S})[3h:5m])"
    summary = "The certificate of {{ $labels.instance }} expires"
    description = (
        f"The certificate {{{{ $labels.envoy_tls_certificate }}}} of {_WHO} is valid for "
        "{{ $value | humanizeDuration }} more, and was not renewed. Then handshakes fail."
    )
    listener = {"envoy_listener_address": "127.0.1.1_15006", "envoy_tls_certificate": "default"}
    client = {"envoy_cluster_name": "cart", "envoy_tls_certificate": "ROOTCA"}
    hour = Proof(
        # Renewed every half hour for an hour, then never again until 110 minutes.
        {
            names.selector(names.LISTENER_EXPIRY, **_PROXY, **listener): "3600x59 5400x59 "
            "7200x101 10200x180",
            names.selector(names.LISTENER_EXPIRY, **_OTHER, **listener): "864000x400",
        },
        fires="108m",
        ends="115m",
        value=720,
        labels={**_PROXY, "envoy_tls_certificate": "default"},
    )
    days = Proof(
        {
            names.selector(names.CLUSTER_EXPIRY, **_PROXY, **client): "259000x60 864000x60",
            names.selector(names.LISTENER_EXPIRY, **_OTHER, **listener): "3600x60 7200x60",
        },
        fires="10m",
        ends="40m",
        value=258_400,
        labels={**_PROXY, "envoy_tls_certificate": "ROOTCA"},
    )
    name = "MeshCertificateExpiring"
    return (
        MeshAlert(name, "page", f"{left}\n< {LIFE_RATIO} * {most}", summary, description,
                  "/services", hour, for_="1m", service=_SERVICE),
        MeshAlert(name, "ticket", f"{left} < {SOON_S}\nand\n{most} > {LONG_LIVED_S}", summary,
                  description, "/services", days, for_="1m", service=_SERVICE),
    )  # fmt: skip


def _tls_failures() -> MeshAlert:
    failed = "\nor\n".join(
        f"{_counted(metric, '5m')} >= {TLS_MIN}"
        for metric in (names.TLS_ERRORS, names.TLS_NO_CERTIFICATE, names.TLS_WRONG_NAME)
    )
    listener = {"envoy_listener_address": "127.0.1.1_15006"}
    return MeshAlert(
        "MeshTlsFailures",
        "ticket",
        failed,
        "TLS handshakes fail at {{ $labels.instance }}",
        f"{{{{ $value | humanize }}}} handshakes failed at {_WHO} in 5 minutes: an expired or "
        "wrong certificate, or a caller without one. No request of theirs is counted anywhere.",
        "/services",
        Proof(
            {
                names.selector(names.UPTIME, **_PROXY): "0+30x60",
                names.selector(names.TLS_ERRORS, **_PROXY, **listener): "_x21 2+2x9 20x40",
                names.selector(names.TLS_ERRORS, **_OTHER, **listener): "0+0.1x60",
            },
            fires="15m",
            ends="25m",
            value=20,
            labels=_PROXY,
        ),
        service=_SERVICE,
    )


def _restarts() -> MeshAlert:
    return MeshAlert(
        "MeshProxyRestarts",
        "ticket",
        f"sum by (job, instance) (resets({names.UPTIME}[1h])) >= {RESTARTS}",
        "The proxy {{ $labels.instance }} restarts again and again",
        f"{_WHO} restarted {{{{ $value }}}} times within an hour. What it counted since its last "
        "export before each is lost.",
        "/services",
        Proof(
            {
                names.selector(names.UPTIME, **_PROXY): "100+30x20 0+30x20 0+30x180",
                names.selector(names.UPTIME, **_OTHER): "100+30x20 0+30x200",
            },
            fires="25m",
            ends="85m",
            value=2,
            labels=_PROXY,
        ),
        service=_SERVICE,
    )


def _memory() -> MeshAlert:
    before = f"{names.MEMORY} offset 2h"
    return MeshAlert(
        "MeshProxyMemoryGrows",
        "ticket",
        f"{names.MEMORY} > {MEMORY_GROWTH} * ({before})\nand\n{names.MEMORY} > {MEMORY_MIN_BYTES}",
        "The memory of the proxy {{ $labels.instance }} grows",
        f"{_WHO} has {{{{ $value | humanize1024 }}}}B allocated, more than "
        f"{MEMORY_GROWTH} times as much as two hours ago: a leak ends in a kill.",
        "/services",
        Proof(
            {
                names.selector(names.MEMORY, **_PROXY): "104857600x240 314572800x120 104857600x60",
                names.selector(names.MEMORY, **_OTHER): "20000000x240 60000000x180",
            },
            fires="140m",
            ends="190m",
            value=314_572_800,
            labels=_PROXY,
        ),
        for_="15m",
        service=_SERVICE,
    )


def _counted(metric: str, window: str) -> str:
    """Count a statistic of each proxy; an Envoy tells of it only once there is something."""
    grown = counted(metric, window, beside=names.UPTIME, on="job, instance")
    return f"sum by (job, instance) ({grown})"
