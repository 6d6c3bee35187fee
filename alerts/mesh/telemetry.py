"""Alerts on telemetry itself, which is the eye of every other alert.

Sources of the choices: the service mesh guide's M8 and F5. The server's own counters are at
/metrics, for a Prometheus that scrapes them.
"""

from typing import Final

from alerts import names
from alerts.mesh.alert import MeshAlert, Proof, counted

SILENT_S: Final = 30
"""Within this long after its last export a silent proxy is told of: it sends every 5 s and is
silent after 15 s (``collector.receiver.rhythm``), and scrape and evaluation take 5 s each."""
EXPORTERS_INTERVAL: Final = "5s"
REFUSED_RATIO: Final = 0.05


def exporter_silent() -> MeshAlert:
    """Return the alert on silent exporters, which is evaluated often: it guards all others."""
    cart = {"service": "cart", "instance": "cart-1"}
    other = {"service": "cart", "instance": "cart-2"}
    return MeshAlert(
        "MeshExporterSilent",
        "ticket",
        f"time() - {names.LAST_SEEN}\nand on (service, instance)\n{names.SILENT} == 1",
        "The proxy of {{ $labels.service }} is silent",
        "Instance {{ $labels.instance }} was last heard {{ $value | humanizeDuration }} ago. What "
        "it saw since is not measured.",
        "/services",
        Proof(
            {
                names.selector(names.LAST_SEEN, **cart): "0+30x10 300x10 600+30x20",
                names.selector(names.SILENT, **cart): "0x11 1x9 0x20",
                names.selector(names.LAST_SEEN, **other): "0+30x40",
                names.selector(names.SILENT, **other): "0x40",
            },
            fires="8m",
            ends="12m",
            value=180,
            labels=cart,
        ),
    )


def telemetry_alerts() -> tuple[MeshAlert, ...]:
    """Return the alerts on telemetry that is absent or dropped."""
    return (_absent(), _dropped())


def _absent() -> MeshAlert:
    return MeshAlert(
        "MeshTelemetryAbsent",
        "page",
        f"absent({names.REQUESTS})",
        "No mesh metrics at all",
        "Prometheus sees no request counter of any service. Every other alert is blind until it "
        "does: is meshscope up, and is it scraped?",
        "/",
        Proof(
            {names.selector(names.REQUESTS, source="a", destination="b"): "_x20 0+1x20"},
            fires="8m",
            ends="12m",
            value=1,
            labels={},
        ),
        for_="2m",
    )


def _dropped() -> MeshAlert:
    def per_signal(metric: str) -> str:
        return f"sum by (signal) ({counted(metric, '10m', beside=names.TAKEN_EXPORTS)})"

    refused, taken = per_signal(names.REFUSED_EXPORTS), per_signal(names.TAKEN_EXPORTS)
    return MeshAlert(
        "MeshTelemetryDropped",
        "ticket",
        f"{per_signal(names.SHED_ROWS)} > 0\nor\n"
        f"{refused} > {REFUSED_RATIO} * ({taken} + {refused})",
        "Telemetry is lost: {{ $labels.signal }}",
        "Within 10 minutes meshscope left out or refused {{ $value | humanize }} rows or exports "
        "of {{ $labels.signal }}. Counters of requests are made good by later exports; spans and "
        "logs are not.",
        "/collector",
        Proof(
            {
                names.selector(names.SHED_ROWS, signal="traces"): "_x30 500x70",
                names.selector(names.TAKEN_EXPORTS, signal="metrics"): "0+10x100",
                names.selector(names.REFUSED_EXPORTS, signal="metrics"): "0+0.1x100",
            },
            fires="16m",
            ends="40m",
            value=500,
            labels={"signal": "traces"},
        ),
    )
