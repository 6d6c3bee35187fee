"""The table of the shop is whole: every call has a callee, every route is reached, no circles."""

import graphlib
import re

import pytest

from proxy.shop.operation import first_match
from proxy.shop.shop import ENTRY, SHOP, WORKLOADS, callers_of, routes_of, service_named

OPERATIONS = [(service, operation) for service in SHOP for operation in service.operations]
EACH = pytest.mark.parametrize(
    ("service", "operation"), OPERATIONS, ids=[f"{s.name}.{o.name}" for s, o in OPERATIONS]
)
NAME = re.compile(r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")


@EACH
def test_a_request_for_an_operation_matches_the_route_of_its_name(service, operation):
    route = first_match(routes_of(service.name), operation.method, operation.url_path("17"))
    assert route is not None
    assert route.name == operation.name
    assert service.serves(operation.method, operation.url_path("17")) == operation


@EACH
def test_every_call_has_a_callee_and_a_probability(service, operation):
    for call in operation.calls:
        assert service_named(call.destination).operation(call.operation)
        assert 0 < call.probability <= 1
        assert call.destination != service.name


@EACH
def test_names_suit_a_mesh_file_and_paths_an_address(service, operation):
    assert NAME.match(service.name)
    assert NAME.match(operation.name)
    assert re.match(r"^/[a-z]*(/\{id\})?$", operation.path)
    assert 0 < operation.service_time.median_ms < operation.service_time.p99_ms
    assert all(0 < f.ratio < 0.01 for f in operation.failures)


def test_operation_names_are_unique_within_a_service():
    for service in SHOP:
        names = [operation.name for operation in service.operations]
        assert len(set(names)) == len(names)


def test_no_route_stands_behind_a_broader_one():
    for service in SHOP:
        routes = routes_of(service.name)
        for i, route in enumerate(routes):
            assert not any(
                r.method == route.method and route.path_prefix.startswith(r.path_prefix)
                for r in routes[:i]
            )


def test_calls_do_not_go_in_circles():
    graph = {service.name: callers_of(service.name) for service in SHOP}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order[0] == ENTRY


def test_every_operation_is_called_by_someone_or_from_outside():
    called = {(c.destination, c.operation) for _, o in OPERATIONS for c in o.calls}
    unused = {(s.name, o.name) for s, o in OPERATIONS if s.name != ENTRY} - called
    assert not unused


def test_the_shop_has_eight_services_and_nine_workloads_with_a_payments_canary():
    assert len(SHOP) == 8
    assert len(WORKLOADS) == 9
    assert [w.name for w in WORKLOADS if w.service == "payments"] == ["payments-v1", "payments-v2"]


def test_callers_are_those_whose_operations_call():
    assert callers_of("gateway") == []
    assert callers_of("payments") == ["checkout"]
    assert callers_of("cart") == ["checkout", "frontend", "gateway"]


def test_an_unknown_service_is_named_in_the_error():
    with pytest.raises(KeyError, match="no service 'attic'"):
        service_named("attic")
