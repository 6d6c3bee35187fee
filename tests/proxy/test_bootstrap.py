"""The bootstrap: a real Envoy accepts it, and it says who the proxy is and what it exports."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from proxy.bootstrap import EXPORTED_STATS, bootstrap
from proxy.mesh import Telemetry
from proxy.resources import Json
from proxy.sidecar import envoy_binary
from tests.proxy.meshes import shop


def of(node_id: str, **telemetry: Any) -> Json:
    mesh = shop().model_copy(update={"telemetry": Telemetry(**telemetry)})
    found = mesh.find(node_id)
    assert found
    return bootstrap(mesh, *found, xds="127.0.0.1:18000")


@pytest.mark.e2e
@pytest.mark.parametrize("telemetry", [{}, {"flush_seconds": 0.001}, {"flush_seconds": 299.9}])
def test_envoy_accepts_it(telemetry: dict[str, float], tmp_path: Path) -> None:
    config = tmp_path / "bootstrap.json"
    config.write_text(json.dumps(of("payments-2", **telemetry)))
    command = [str(envoy_binary()), "--mode", "validate", "--config-path", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_the_node_is_the_workload_and_its_cluster_the_service() -> None:
    node = of("payments-2")["node"]
    assert (node["id"], node["cluster"]) == ("payments-2", "payments")
    assert node["metadata"] == {"service": "payments", "version": "v2"}


def test_the_control_plane_and_the_collector_are_the_only_static_clusters() -> None:
    clusters = of("payments-2", otlp="127.0.0.9:4317")["static_resources"]["clusters"]
    targets = {
        cluster["name"]: cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"][
            "address"
        ]["socket_address"]
        for cluster in clusters
    }
    assert targets == {
        "xds": {"address": "127.0.0.1", "port_value": 18000},
        "otlp": {"address": "127.0.0.9", "port_value": 4317},
    }


def test_statistics_are_cumulative_so_that_a_lost_flush_is_made_good() -> None:
    (sink,) = of("payments-2")["stats_sinks"]
    assert sink["typed_config"]["report_counters_as_deltas"] is False
    assert sink["typed_config"]["report_histograms_as_deltas"] is False


@pytest.mark.parametrize(
    ("stat", "exported"),
    [
        ("sli.requests", True),
        ("cluster.payments|v1.upstream_rq_retry", True),
        ("cluster.payments|v1.upstream_rq_active_overflow", True),
        ("cluster.payments|v1.circuit_breakers.default.rq_open", True),
        ("cluster.payments|v1.ssl.fail_verify_san", True),
        ("listener.127.0.1.2_15006.ssl.connection_error", True),
        ("http.inbound.rbac.denied", True),
        ("server.uptime", True),
        ("cluster.payments|v1.internal.upstream_rq_200", False),
        ("cluster.payments|v1.http2.streams_active", False),
        ("server.watchdog_miss", False),
    ],
)
def test_a_stat_is_exported_when_someone_reads_it(stat: str, *, exported: bool) -> None:
    assert any(re.fullmatch(pattern, stat) for pattern in EXPORTED_STATS) == exported
