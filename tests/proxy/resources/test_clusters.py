"""Clusters: one per version of a callee, to its exact identity; endpoints by version."""

import pytest

from proxy.mesh import INBOUND_PORT, Workload
from proxy.resources.clusters import app_cluster, load_assignment, mesh_cluster, seconds
from proxy.resources.encode import encode
from proxy.xds.type_urls import CLUSTER
from tests.proxy.meshes import shop


@pytest.mark.parametrize(
    ("value", "text"), [(5, "5.000s"), (0.001, "0.001s"), (1.5, "1.500s"), (86_400, "86400.000s")]
)
def test_a_duration_is_told_in_milliseconds(value: float, text: str) -> None:
    assert seconds(value) == text


def test_a_callee_is_reached_by_http2_at_its_exact_identity() -> None:
    mesh = shop()
    cluster = mesh_cluster(mesh, mesh.service("payments"), "v2")
    assert cluster["name"] == "payments|v2"
    tls = cluster["transport_socket"]["typed_config"]["common_tls_context"]
    matchers = tls["combined_validation_context"]["default_validation_context"]
    assert matchers["match_typed_subject_alt_names"] == [
        {"san_type": "URI", "matcher": {"exact": "spiffe://mesh.local/ns/default/sa/payments"}}
    ]


def test_the_endpoints_of_a_version_are_the_inbound_listeners_of_its_workloads() -> None:
    assignment = load_assignment(shop().service("payments"), "v2")
    (locality,) = assignment["endpoints"]
    (endpoint,) = locality["lb_endpoints"]
    socket = endpoint["endpoint"]["address"]["socket_address"]
    assert socket == {"address": "127.0.1.3", "port_value": INBOUND_PORT}


def test_the_application_is_reached_on_its_own_port() -> None:
    cluster = app_cluster(Workload(name="x-1", address="127.0.1.9", app_port=9000))
    (locality,) = cluster["load_assignment"]["endpoints"]
    (endpoint,) = locality["lb_endpoints"]
    socket = endpoint["endpoint"]["address"]["socket_address"]
    assert socket == {"address": "127.0.1.9", "port_value": 9000}


@pytest.mark.parametrize("limit", [0, 4_294_967_295])
def test_a_circuit_breaker_takes_every_number_that_a_mesh_file_may_hold(limit: int) -> None:
    mesh = shop(circuit_breaker={"max_requests": limit, "max_pending_requests": limit})
    cluster = mesh_cluster(mesh, mesh.service("payments"), "v1")
    (threshold,) = cluster["circuit_breakers"]["thresholds"]
    assert (threshold["max_requests"], threshold["max_pending_requests"]) == (limit, limit)
    assert encode(CLUSTER, cluster)
