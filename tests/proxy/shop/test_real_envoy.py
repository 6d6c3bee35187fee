"""A real Envoy counts what the ledgers count, though it closes every connection after a second.

One proxy stands for all sidecars: no mTLS, no retries. It knows a caller by its User-Agent.
"""

import asyncio
import contextlib
import re
import time
from collections import Counter

import httpx
import pytest

from proxy.shop.ledger import difference, merge
from proxy.shop.load import LoadSettings, run_load
from proxy.shop.shop import SHOP, WORKLOADS, routes_of
from proxy.sidecar import start_envoy
from tests.proxy.shop.processes import workload
from tests.proxy.shop.sidecar import free_ports

TYPE = "type.googleapis.com/envoy"
MANAGER = "filters.network.http_connection_manager.v3.HttpConnectionManager"
TAGS = {
    "src": "%REQ(USER-AGENT)%",
    "dst": "%UPSTREAM_CLUSTER_RAW%",
    "route": "%ROUTE_NAME%",
    "code": "%RESPONSE_CODE%",
}


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name, ports):
    endpoints = [{"endpoint": {"address": address(port)}} for port in ports]
    return {
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }


def virtual_host(service):
    return {
        "name": service,
        "domains": [service],
        "routes": [
            {
                "name": route.name,
                "match": {
                    "prefix": route.path_prefix,
                    "headers": [{"name": ":method", "string_match": {"exact": route.method}}],
                },
                "route": {"cluster": service},
            }
            for route in routes_of(service)
        ],
    }


def bootstrap(listen, admin, backends):
    tags = [{"name": name, "value_format": form} for name, form in TAGS.items()]
    manager = {
        "@type": f"{TYPE}.extensions.{MANAGER}",
        "stat_prefix": "shop",
        "common_http_protocol_options": {"max_connection_duration": "1s"},
        "access_log": [
            {
                "name": "sli",
                "typed_config": {
                    "@type": f"{TYPE}.extensions.access_loggers.stats.v3.Config",
                    "stats_scope": {"prefix": "sli"},
                    "counters": [{"stat": {"name": "requests", "tags": tags}, "value_fixed": 1}],
                },
            }
        ],
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{TYPE}.extensions.filters.http.router.v3.Router"},
            }
        ],
        "route_config": {"virtual_hosts": [virtual_host(service.name) for service in SHOP]},
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    return {
        "admin": {"address": address(admin)},
        "static_resources": {
            "clusters": [cluster(name, ports) for name, ports in backends.items()],
            "listeners": [{"name": "in", "address": address(listen), "filter_chains": [chain]}],
        },
    }


def wait_until_ready(admin):
    for _ in range(100):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{admin}/ready").is_success:
                return
        time.sleep(0.05)
    raise AssertionError("Envoy did not become ready in 5 s")


def measured(admin):
    """Return what Envoy counted, by (source, destination, route, status)."""
    counts = Counter()
    for line in httpx.get(f"{admin}/stats/prometheus?filter=sli.requests").text.splitlines():
        if not line.startswith("#"):
            tag = dict(re.findall(r'(\w+)="([^"]*)"', line))
            caller = re.fullmatch(r"shop-(.+?)(-v\d)?", tag["src"])[1]
            source = "external" if caller == "load" else caller
            counts[source, tag["dst"], tag["route"], int(tag["code"])] += int(line.split()[-1])
    return counts


async def run(path):
    listen, admin = free_ports(2)
    outbound, admin_url = f"http://127.0.0.1:{listen}", f"http://127.0.0.1:{admin}"
    async with contextlib.AsyncExitStack() as stack:
        running = await asyncio.gather(
            *(
                stack.enter_async_context(
                    workload(service, version=version, outbound=outbound, path=path)
                )
                for service, version in WORKLOADS
            )
        )
        backends = {}
        for (service, _), process in zip(WORKLOADS, running, strict=True):
            backends.setdefault(service, []).append(int(process.url.rpartition(":")[2]))
        envoy = start_envoy(bootstrap(listen, admin, backends), directory=path, name="envoy")
        try:
            wait_until_ready(admin_url)
            load = await run_load(LoadSettings(outbound, rate_rps=40, duration_s=5, seed=5))
            ledgers = await asyncio.gather(*(process.stop() for process in running))
            return merge([load, *ledgers]), measured(admin_url)
        finally:
            envoy.terminate()
            envoy.wait(10)


@pytest.mark.e2e
def test_a_real_proxy_counts_what_the_ledgers_count_though_connections_come_and_go(tmp_path):
    whole, counts = asyncio.run(run(tmp_path))
    assert whole.total > 400
    assert difference(whole, counts) == []
