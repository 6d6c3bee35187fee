"""A snapshot is a function of the mesh, and holds nothing that its proxy has no business with."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import UnknownNode
from proxy.identity import new_authority
from proxy.mesh import Mesh, Service
from proxy.snapshot import Snapshot, build
from proxy.xds.type_urls import CLUSTER, ENDPOINT, LISTENER, PUSH_ORDER, ROUTE, SECRET
from tests.proxy.meshes import shop, svid, workload

NOW = datetime(2026, 5, 17, tzinfo=UTC)
AUTHORITY = new_authority("mesh.local", now=NOW)
SVIDS = {
    name: svid(AUTHORITY, shop(), name, NOW)
    for name in ("gateway", "payments", "ledger", "reports", "x")
}


def of(mesh: Mesh, node_id: str) -> Snapshot:
    """Return a node's snapshot, with an identity that is the same every time."""
    found = mesh.find(node_id)
    identity = SVIDS.get(found[0].name, SVIDS["x"]) if found else SVIDS["x"]
    return build(mesh, node_id, svid=identity, bundle_pem=AUTHORITY.certificate_pem)


def changed(before: Snapshot, after: Snapshot) -> set[str]:
    return {t for t in PUSH_ORDER if before.by_type[t].version != after.by_type[t].version}


def test_every_type_is_there_for_every_proxy() -> None:
    for service in shop().services:
        for each in service.workloads:
            assert set(of(shop(), each.name).by_type) == set(PUSH_ORDER)


def test_an_equal_mesh_has_equal_versions() -> None:
    for node_id in ("gateway-1", "payments-1", "ledger-1", "reports-1"):
        assert not changed(of(shop(), node_id), of(shop(), node_id))


def test_an_unknown_node_has_no_snapshot() -> None:
    with pytest.raises(UnknownNode, match="'gateway-9'"):
        of(shop(), "gateway-9")


@pytest.mark.parametrize(
    ("field", "value", "of_caller", "of_callee"),
    [
        ("weights", {"v1": 50, "v2": 50}, {ROUTE}, set()),
        ("timeout_seconds", 1.0, {ROUTE}, {ROUTE}),
        ("retries", {"attempts": 0}, {ROUTE}, set()),
        ("routes", (), {ROUTE}, {ROUTE}),
        ("fault", {"abort": {"percent": 5, "status": 503}}, set(), {LISTENER}),
        ("fault", {"delay": {"percent": 5, "seconds": 0.1}}, set(), {LISTENER}),
        ("callers", ("gateway", "reports"), set(), {LISTENER}),
        ("circuit_breaker", {"max_requests": 1}, {CLUSTER}, set()),
        (
            "workloads",
            (workload("payments-1", 2), workload("payments-2", 3, "v2"), workload("payments-3", 9)),
            {ENDPOINT},
            set(),
        ),
    ],
)
def test_a_change_of_intent_pushes_only_what_it_must(
    field: str, value: Any, of_caller: set[str], of_callee: set[str]
) -> None:
    after = shop(**{field: value})
    assert changed(of(shop(), "gateway-1"), of(after, "gateway-1")) == of_caller
    assert changed(of(shop(), "payments-1"), of(after, "payments-1")) == of_callee


def test_a_new_certificate_changes_only_the_secrets() -> None:
    fresh = svid(AUTHORITY, shop(), "gateway", NOW)
    after = build(shop(), "gateway-1", svid=fresh, bundle_pem=AUTHORITY.certificate_pem)
    assert changed(of(shop(), "gateway-1"), after) == {SECRET}


def test_a_proxy_that_speaks_no_tls_gets_no_key() -> None:
    alone = shop(callers=())
    assert not of(alone, "gateway-1").by_type[SECRET].encoded
    assert of(alone, "reports-1").by_type[SECRET].encoded


NAMES = ("a", "b", "c", "d")


@settings(max_examples=30, deadline=None)
@given(st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=8))
def test_a_callee_appears_for_its_callers_only_and_nowhere_else(
    calls: set[tuple[str, str]],
) -> None:
    mesh = Mesh(
        api_version="meshscope/v1",
        kind="Mesh",
        services=tuple(
            Service(
                name=name,
                callers=tuple(sorted(caller for caller, callee in calls if callee == name)),
                workloads=(workload(f"{name}-1", number),),
            )
            for number, name in enumerate(NAMES, start=1)
        ),
    )
    for caller in NAMES:
        by_type = of(mesh, f"{caller}-1").by_type
        allowed = {f"{callee}|v1" for each, callee in calls if each == caller}
        assert set(by_type[ENDPOINT].encoded) == allowed
        assert set(by_type[CLUSTER].encoded) == allowed | {"app"}
        (outbound,) = (
            by_type[ROUTE].encoded[name] for name in by_type[ROUTE].encoded if "out" in name
        )
        for name in NAMES:
            assert (f"{name}|v1".encode() in outbound) == (f"{name}|v1" in allowed)


def test_resources_are_in_the_order_of_their_names_so_that_versions_do_not_wander() -> None:
    for resources in of(shop(), "payments-1").by_type.values():
        assert all(a < b for a, b in pairwise(resources.encoded))
