"""What the configuration does in real Envoys: who may call whom, and that changes lose nothing."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.web.proxy_metrics import STATISTICS
from proxy.mesh import INBOUND_PORT
from tests.proxy.rig import SIDECARS, Rig, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    mesh = Rig(tmp_path_factory.mktemp("mesh"))
    try:
        wait_until(mesh.in_sync, within_s=10)
        yield mesh
    finally:
        mesh.close()


@pytest.fixture
def rig(running: Rig) -> Rig:
    """Undo the last test's mesh. Connections that Envoy still drains keep the old one a while."""
    running.apply()
    wait_until(lambda: running.pay().status == 200, within_s=5)
    return running


def test_a_request_flows_through_both_sidecars_by_mtls(rig: Rig) -> None:
    assert sorted(proxy["node"] for proxy in rig.status()["proxies"]) == sorted(SIDECARS)

    assert rig.pay() == (200, "payments v1")

    admitted = rig.stats("payments-1", "sli.requests")
    assert 'src="spiffe://mesh.local/ns/default/sa/gateway"' in admitted
    assert 'route="pay"' in admitted
    sent = rig.stats("gateway-1", "sli.requests")
    assert 'dst="spiffe://mesh.local/ns/default/sa/payments"' in sent


def test_every_statistic_that_alerts_ask_for_is_one_of_this_envoy(rig: Rig) -> None:
    assert rig.pay().status == 200
    told = "".join(rig.stats(node, ".") for node in ("gateway-1", "payments-1")).splitlines()
    kinds = dict(line.split()[2:] for line in told if line.startswith("# TYPE "))
    assert {name: kinds.get(name) for name in STATISTICS} == {
        name: kind for name, (kind, _) in STATISTICS.items()
    }


def test_a_prometheus_is_told_that_every_proxy_is_in_sync(rig: Rig) -> None:
    text = rig.control.metrics()
    for node in SIDECARS:
        service = node.partition("-")[0]
        assert f'mesh_proxy_in_sync{{service="{service}",node="{node}"}} 1\n' in text
    assert 'mesh_proxy_in_sync{service="reports",node="reports-1"} 0\n' in text
    assert 'mesh_config_push_seconds_bucket{le="10"} 0\n' not in text


def test_a_workload_that_is_no_caller_is_refused(rig: Rig) -> None:
    assert rig.call_directly("gateway-1")[0].status == 200
    assert rig.call_directly("reports-1")[0].status == 403


def test_a_client_without_a_certificate_is_refused(rig: Rig) -> None:
    assert rig.call_directly(None)[0].status == 0


@pytest.mark.parametrize("host", ["reports", "example.com", f"payments.other:{INBOUND_PORT}"])
def test_a_host_that_the_service_may_not_call_is_answered_502(rig: Rig, host: str) -> None:
    assert rig.call_out(host).status == 502


def test_a_fault_written_to_the_file_is_live_within_two_seconds(rig: Rig) -> None:
    start = time.monotonic()
    rig.write(fault={"abort": {"percent": 100, "status": 418}})
    wait_until(lambda: rig.pay().status == 418, within_s=2)
    assert time.monotonic() - start < 2


def test_an_invalid_file_changes_nothing_and_is_told(rig: Rig) -> None:
    before = rig.status()
    rig.write(weights={"v1": 50, "v2": 49})
    wait_until(lambda: bool(rig.status()["rejected_mesh"]), within_s=2)

    after = rig.status()
    assert "services[2].weights: must sum to 100, and sum to 99" in after["rejected_mesh"]
    assert after["proxies"] == before["proxies"]
    assert rig.pay().status == 200

    rig.apply()
    assert not rig.status()["rejected_mesh"]


def test_a_file_that_is_no_text_changes_nothing_and_is_told(rig: Rig) -> None:
    rig.mesh_path.write_bytes(b"\xff\xfe")
    wait_until(lambda: bool(rig.status()["rejected_mesh"]), within_s=2)
    assert rig.status()["rejected_mesh"].endswith("mesh.yaml:1: is not UTF-8 text")
    rig.apply()


def test_weights_reach_both_versions(rig: Rig) -> None:
    rig.apply(weights={"v1": 50, "v2": 50})
    seen = Counter(rig.pay().body for _ in range(60))
    assert set(seen) == {"payments v1", "payments v2"}
    assert min(seen.values()) >= 10


def test_a_caller_that_is_taken_out_and_let_in_again_is_served(rig: Rig) -> None:
    rig.apply(callers=[])
    assert rig.pay().status == 502
    rig.apply()
    assert rig.pay().status == 200


EXTREMES: list[dict[str, Any]] = [
    {"timeoutSeconds": 0.001},
    {"timeoutSeconds": 86_400},
    {"retries": {"attempts": 10, "on": "5xx,gateway-error,retriable-4xx"}},
    {"circuitBreaker": {"maxRequests": 4_294_967_295, "maxPendingRequests": 0}},
    {"weights": {"v1": 0, "v2": 100}},
    {"fault": {"delay": {"percent": 0.0001, "seconds": 0.001}}},
    {"fault": {"delay": {"percent": 0, "seconds": 86_400}, "abort": {"percent": 0, "status": 599}}},
    {"routes": [{"name": "a" * 63, "method": "PATCH", "pathPrefix": "/%20\u00e9?"}]},
    {"callers": ["gateway", "payments", "reports"]},
    {"identity": {"maxConnectionSeconds": 0.001}},
    {"identity": {"maxConnectionSeconds": 86_400, "ttlSeconds": 86_400}},
]


@pytest.mark.parametrize("payments", EXTREMES, ids=str)
def test_envoy_takes_whatever_a_valid_mesh_file_may_say(running: Rig, payments: Any) -> None:
    running.apply(**payments)
    types = [each for proxy in running.status()["proxies"] for each in proxy["types"].values()]
    assert not [each["rejection"] for each in types if each["rejection"]]


def test_certificates_are_rotated_under_load_without_a_failure(rig: Rig) -> None:
    rig.apply(identity={"ttlSeconds": 4})
    handshakes = _handshakes(rig)
    failures, certificates, requests = [], set(), 0
    end = time.monotonic() + 8
    while time.monotonic() < end:
        answer = rig.pay()
        requests += 1
        if answer.status != 200:
            failures.append(answer)
        if requests % 50 == 0:
            certificates.add(rig.call_directly("gateway-1")[1])
    assert not failures
    assert len(certificates) > 2
    assert _handshakes(rig) - handshakes > 4


def test_paused_rotation_breaks_the_mesh_and_automatic_rotation_mends_it(rig: Rig) -> None:
    rig.apply(identity={"ttlSeconds": 3})
    assert rig.pay().status == 200
    rig.apply(identity={"ttlSeconds": 3, "rotation": "paused"})
    wait_until(lambda: rig.pay().status == 503, within_s=6)
    rig.apply(identity={"ttlSeconds": 3})
    wait_until(lambda: rig.pay().status == 200, within_s=2)


def test_another_trust_domain_replaces_every_identity(rig: Rig) -> None:
    text = rig.mesh_path.read_text()
    rig.write(text=text.replace('"kind": "Mesh"', '"kind": "Mesh", "trustDomain": "other.test"'))
    wait_until(lambda: rig.control.mesh.trust_domain == "other.test" and rig.in_sync(), within_s=5)
    wait_until(lambda: rig.pay().status == 200, within_s=3)
    assert 'dst="spiffe://other.test/' in rig.stats("gateway-1", "sli.requests")


def _handshakes(rig: Rig) -> int:
    text = rig.stats("gateway-1", "ssl.handshake")
    lines = [line for line in text.splitlines() if "payments|v1" in line and "#" not in line]
    return sum(int(line.rpartition(" ")[2]) for line in lines)
