"""Listeners: who is let in, in which order the filters decide, and what a fault is."""

from typing import Any

import pytest

from proxy.mesh import Mesh
from proxy.resources import Json
from proxy.resources.listeners import inbound_listener, outbound_listener
from tests.proxy.meshes import shop


def inbound(service: str, mesh: Mesh) -> Json:
    owner = mesh.service(service)
    return inbound_listener(mesh, owner, owner.workloads[0])


def filters(listener: Json) -> dict[str, Json]:
    (chain,) = listener["filter_chains"]
    manager = chain["filters"][0]["typed_config"]
    return {
        each["name"].rpartition(".")[2]: each["typed_config"] for each in manager["http_filters"]
    }


def test_a_service_admits_its_callers_by_identity_over_mtls() -> None:
    listener = inbound("payments", shop(callers=("gateway", "reports")))
    tls = listener["filter_chains"][0]["transport_socket"]["typed_config"]
    assert tls["require_client_certificate"] is True
    rules = filters(listener)["rbac"]["rules"]
    assert rules["action"] == "ALLOW"
    admitted = [
        principal["authenticated"]["principal_name"]["exact"]
        for principal in rules["policies"]["callers"]["principals"]
    ]
    assert admitted == [
        "spiffe://mesh.local/ns/default/sa/gateway",
        "spiffe://mesh.local/ns/default/sa/reports",
    ]


def test_a_service_without_callers_admits_nobody() -> None:
    rules = filters(inbound("reports", shop()))["rbac"]["rules"]
    assert rules == {"action": "ALLOW", "policies": {}}


def test_an_ingress_takes_plain_http_from_anyone() -> None:
    listener = inbound("gateway", shop())
    assert "transport_socket" not in listener["filter_chains"][0]
    assert list(filters(listener)) == ["router"]


def test_who_is_not_admitted_meets_no_fault() -> None:
    listener = inbound("payments", shop(fault={"abort": {"percent": 1, "status": 503}}))
    assert list(filters(listener)) == ["rbac", "fault", "router"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            {"abort": {"percent": 0.5, "status": 503}},
            {
                "abort": {
                    "http_status": 503,
                    "percentage": {"numerator": 5_000, "denominator": "MILLION"},
                }
            },
        ),
        (
            {"delay": {"percent": 100, "seconds": 0.25}},
            {
                "delay": {
                    "fixed_delay": "0.250s",
                    "percentage": {"numerator": 1_000_000, "denominator": "MILLION"},
                }
            },
        ),
        ({}, {}),
    ],
)
def test_a_fault_is_what_the_file_says(fault: dict[str, Any], expected: Json) -> None:
    config = filters(inbound("payments", shop(fault=fault)))["fault"]
    assert {key: value for key, value in config.items() if key != "@type"} == expected


def test_a_fault_of_one_version_is_injected_by_its_proxies_only() -> None:
    mesh = shop(fault={"version": "v2", "abort": {"percent": 30, "status": 503}})
    payments = mesh.service("payments")
    hit = {
        workload.version: "fault" in filters(inbound_listener(mesh, payments, workload))
        for workload in payments.workloads
    }
    assert hit == {"v1": False, "v2": True}


def test_the_outbound_side_asks_nothing_of_its_own_application() -> None:
    mesh = shop()
    payments = mesh.service("payments")
    listener = outbound_listener(mesh, payments, payments.workloads[0])
    assert "transport_socket" not in listener["filter_chains"][0]
    assert list(filters(listener)) == ["router"]
    assert listener["address"]["socket_address"] == {"address": "127.0.1.2", "port_value": 15001}
