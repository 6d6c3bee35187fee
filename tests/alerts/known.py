"""Every series that rules and runbooks may name, with its labels, asked of what exposes it."""

import re
from collections.abc import Mapping
from functools import cache

from alerts import names
from collector.receiver.listening import Listening
from collector.store.store import open_store
from collector.store.writer import Writer
from dashboards.grafana.metrics import series_names
from dashboards.selfwatch import Selfwatch
from dashboards.store_metrics import register_flow, register_tables
from dashboards.web.proxy_metrics import STATISTICS
from proxy.exposition import Pushes, expose

OF_PROXIES = ("job", "instance", "envoy_cluster_name", "envoy_listener_address",
              "envoy_tls_certificate")  # fmt: skip
RECORDED = {
    names.BAD_EVENTS: ("slo", "service", "window"),
    names.TOTAL_EVENTS: ("slo", "service", "window"),
    names.OBJECTIVE: ("slo", "service"),
    names.BUDGET_REMAINING: ("slo", "service", "window"),
}


@cache
def known_series() -> Mapping[str, tuple[str, ...]]:
    """Return labels by name: of the mesh, proxies, server, control plane, records, Prometheus."""
    return {
        **series_names(),
        **dict.fromkeys(STATISTICS, OF_PROXIES),
        **_of_server(),
        **_of_control_plane(),
        **RECORDED,
        "up": ("job", "instance"),
        "ALERTS": ("alertname", "alertstate", "severity", "slo", "service", "team"),
    }


def _of_server() -> dict[str, tuple[str, ...]]:
    with open_store() as store:
        writer = Writer(store)
        watch = Selfwatch(writer, None, lambda: 0.0)
        keeper = Listening(writer, watch.exporters, lambda: 0.0)
        register_flow(watch.registry, keeper, watch.received, writer)
        register_tables(watch.registry, store, lambda: 0.0)
        writer.close()
        return {one.name: one.labels for one in watch.registry.instruments()}


def _of_control_plane() -> dict[str, tuple[str, ...]]:
    text = expose({"cart-v1": "cart"}, {}, Pushes(), is_rejected=False)
    found = re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE)
    return {name: tuple(re.findall(r"(\w+)=", labels)) for name, labels in found}
