"""The control plane's decisions: which mesh is in force, and whose identity is renewed when."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy.controlplane import ControlPlane
from proxy.errors import InvalidMesh, UnknownNode
from proxy.xds.type_urls import LISTENER, SECRET
from tests.proxy.mesh_mistakes import GOOD


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mesh.yaml"
    path.write_text(GOOD)
    return path


def rewrite(control: ControlPlane, path: Path, right: str, wrong: str) -> None:
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    control.reload()


def secret(control: ControlPlane, node_id: str) -> str:
    return control.snapshot(node_id).by_type[SECRET].version


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_there_is_no_control_plane_without_a_mesh(tmp_path: Path) -> None:
    with pytest.raises(InvalidMesh, match="No such file"):
        ControlPlane(tmp_path / "mesh.yaml")


def test_a_proxy_that_asks_twice_keeps_its_identity(path: Path) -> None:
    control = ControlPlane(path)
    assert secret(control, "payments-1") == secret(control, "payments-1")
    assert secret(control, "payments-1") != secret(control, "payments-2")


def test_an_unknown_proxy_gets_nothing(path: Path) -> None:
    with pytest.raises(UnknownNode, match="'payments-9'"):
        ControlPlane(path).snapshot("payments-9")


def test_an_invalid_file_keeps_the_last_good_mesh_and_is_told_until_it_is_mended(
    path: Path,
) -> None:
    control = ControlPlane(path)
    good = control.mesh
    rewrite(control, path, "callers: [gateway]", "callers: [gatway]")
    assert control.mesh is good
    assert control.rejected == control.status()["rejected_mesh"]
    assert control.rejected.startswith(f"{path}:10: services[1].callers[0]: no service is called")

    rewrite(control, path, "callers: [gatway]", "callers: [gateway]")
    assert control.status()["rejected_mesh"] == ""


def test_a_file_that_vanished_keeps_the_last_good_mesh(path: Path) -> None:
    control = ControlPlane(path)
    path.unlink()
    control.reload()
    assert "cannot be read" in control.rejected
    assert control.snapshot("payments-1")


def test_an_identity_is_renewed_from_half_of_its_life_on(path: Path) -> None:
    control = ControlPlane(path)
    before = secret(control, "payments-1")
    assert control.renew(later(1790)) == []
    assert control.renew(later(1801)) == ["payments-1"]
    assert secret(control, "payments-1") != before


def test_nothing_is_renewed_while_rotation_is_paused(path: Path) -> None:
    control = ControlPlane(path)
    before = secret(control, "payments-1")
    rewrite(control, path, "kind: Mesh", "kind: Mesh\nidentity: {rotation: paused}")
    assert control.renew(later(86_400)) == []
    assert secret(control, "payments-1") == before


def test_another_life_of_certificates_holds_at_once(path: Path) -> None:
    control = ControlPlane(path)
    before = secret(control, "payments-1")
    rewrite(control, path, "kind: Mesh", "kind: Mesh\nidentity: {ttlSeconds: 10}")
    assert secret(control, "payments-1") != before
    assert control.renew(later(6)) == ["payments-1"]


@pytest.mark.parametrize("field", ["trustDomain: other.test", "namespace: other"])
def test_another_trust_domain_or_namespace_issues_new_identities(path: Path, field: str) -> None:
    control = ControlPlane(path)
    before = secret(control, "payments-1")
    rewrite(control, path, "kind: Mesh", f"kind: Mesh\n{field}")
    assert secret(control, "payments-1") != before
    assert control.renew(later(3600)) == ["payments-1"]


def test_a_workload_that_moves_to_another_service_gets_its_identity(path: Path) -> None:
    control = ControlPlane(path)
    before = secret(control, "payments-1")
    rewrite(control, path, "name: payments\n", "name: billing\n")
    assert secret(control, "payments-1") != before


def test_a_workload_that_left_the_mesh_is_forgotten(path: Path) -> None:
    control = ControlPlane(path)
    control.snapshot("payments-1")
    control.snapshot("payments-2")
    rewrite(control, path, "payments-2", "payments-3")
    certificates: Any = control.status()["certificates"]
    assert list(certificates) == ["payments-1"]
    assert control.renew(later(3600)) == ["payments-1"]


def test_a_fault_in_the_file_changes_the_callees_listener_only(path: Path) -> None:
    control = ControlPlane(path)
    before = control.snapshot("payments-1")
    fault = "callers: [gateway]\n    fault: {abort: {percent: 5, status: 503}}"
    rewrite(control, path, "callers: [gateway]", fault)
    after = control.snapshot("payments-1")
    differing = {t for t in before.by_type if before.by_type[t] != after.by_type[t]}
    assert differing == {LISTENER}


def test_the_status_names_the_proxies_that_should_be_there(path: Path) -> None:
    status = ControlPlane(path).status()
    assert status["expected"] == ["gateway-1", "payments-1", "payments-2"]
    assert status["proxies"] == []
