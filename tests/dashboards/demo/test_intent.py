"""The shop's mesh file loads as the mesh it was made from, with or without a fault."""

import pytest

from collector import semconv
from dashboards.demo.faults import DESCRIPTIONS, FAULT_NAMES, FaultName, inject
from dashboards.demo.intent import free_subnet, shop_mesh, to_yaml
from proxy.mesh_file import parse
from proxy.shop.shop import ENTRY, SHOP, WORKLOADS, callers_of

MESH = shop_mesh(subnet="127.9.9", otlp="127.0.0.1:4317", flush_seconds=2)


def test_the_file_loads_as_the_same_mesh() -> None:
    assert parse(to_yaml(MESH), file="mesh.yaml") == MESH


@pytest.mark.parametrize("fault", FAULT_NAMES)
def test_every_fault_is_a_valid_mesh_and_changes_it(fault: FaultName) -> None:
    changed = inject(MESH, fault)
    assert changed != MESH
    assert parse(to_yaml(changed), file="mesh.yaml") == changed
    assert DESCRIPTIONS[fault]


def test_every_workload_of_the_shop_has_an_address_of_its_own() -> None:
    workloads = [workload for service in MESH.services for workload in service.workloads]
    assert [workload.name for workload in workloads] == [workload.name for workload in WORKLOADS]
    assert len({workload.address for workload in workloads}) == len(WORKLOADS)


def test_only_the_gateway_takes_plain_traffic_and_only_callers_are_let_in() -> None:
    for service in SHOP:
        intent = MESH.service(service.name)
        assert intent.ingress == (service.name == ENTRY)
        assert list(intent.callers) == callers_of(service.name)
    assert semconv.EXTERNAL not in {service.name for service in MESH.services}


def test_the_canary_gets_a_tenth_of_the_payments() -> None:
    assert MESH.service("payments").split() == {"v1": 90, "v2": 10}


def test_a_free_subnet_is_on_loopback() -> None:
    assert free_subnet().startswith("127.")
