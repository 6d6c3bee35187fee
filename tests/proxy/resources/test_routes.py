"""Routes: the same names on both sides, the split by weight, refusal of everything else."""

from typing import Any

from proxy.resources import Json
from proxy.resources.routes import inbound_routes, outbound_routes
from tests.proxy.meshes import shop


def hosts(table: Json) -> dict[str, Json]:
    return {host["name"]: host for host in table["virtual_hosts"]}


def outbound(caller: str, **payments: Any) -> dict[str, Json]:
    mesh = shop(**payments)
    return hosts(outbound_routes(mesh, mesh.service(caller)))


def test_caller_and_callee_give_a_route_the_same_name_and_match() -> None:
    sent = outbound("gateway")["payments"]["routes"]
    admitted = hosts(inbound_routes(shop().service("payments")))["payments"]["routes"]
    assert [route["name"] for route in sent] == ["pay", "other"]
    assert [(r["name"], r["match"]) for r in sent] == [(r["name"], r["match"]) for r in admitted]


def test_a_route_is_of_one_method_and_what_fits_none_is_other() -> None:
    pay, other = outbound("gateway")["payments"]["routes"]
    assert pay["match"]["prefix"] == "/pay"
    assert pay["match"]["headers"] == [{"name": ":method", "string_match": {"exact": "POST"}}]
    assert other["match"] == {"prefix": "/"}


def test_the_split_is_by_weight_and_without_versions_of_none() -> None:
    def split(**payments: Any) -> list[tuple[str, int]]:
        action = outbound("gateway", **payments)["payments"]["routes"][0]["route"]
        return [(each["name"], each["weight"]) for each in action["weighted_clusters"]["clusters"]]

    assert split() == [("payments|v1", 90), ("payments|v2", 10)]
    assert split(weights={"v1": 0, "v2": 100}) == [("payments|v2", 100)]
    assert split(weights=None) == [("payments|v1", 100)]


def test_a_host_is_known_by_name_by_any_port_and_by_namespace() -> None:
    assert outbound("gateway")["payments"]["domains"] == [
        "payments",
        "payments:*",
        "payments.default",
    ]


def test_a_caller_sees_its_callees_and_a_refusal_and_nothing_else() -> None:
    assert list(outbound("payments")) == ["ledger", "egress-deny"]
    (refusal,) = outbound("reports").values()
    assert refusal["domains"] == ["*"]
    assert refusal["routes"][0]["direct_response"]["status"] == 502


def test_retries_are_left_out_when_there_are_to_be_none() -> None:
    action = outbound("gateway", retries={"attempts": 0})["payments"]["routes"][0]["route"]
    assert "retry_policy" not in action
    action = outbound("gateway", retries={"attempts": 3, "on": "5xx"})["payments"]["routes"][0]
    assert action["route"]["retry_policy"] == {"retry_on": "5xx", "num_retries": 3}
