"""The control plane's own numbers: who has the configuration, and how soon it had it."""

from proxy.exposition import Pushes, expose
from proxy.xds.messages import Request
from proxy.xds.stream import Stream
from proxy.xds.type_urls import CLUSTER
from tests.proxy.xds.playbook import snapshot

SERVICES = {"cart-v1": "cart", "web-v1": "web", "web-v2": "web"}


def told(pushes: Pushes | None = None, *, is_rejected: bool = False) -> dict[str, float]:
    """Return the samples of the text by series."""
    in_sync = {"cart-v1": True, "web-v1": False, "stranger": True}
    text = expose(SERVICES, in_sync, pushes or Pushes(), is_rejected=is_rejected)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_a_workload_is_in_sync_connected_or_neither_and_a_stranger_is_not_told() -> None:
    found = told()
    state = {
        node: tuple(
            found[f'mesh_proxy_{what}{{service="{service}",node="{node}"}}']
            for what in ("connected", "in_sync")
        )
        for node, service in SERVICES.items()
    }
    assert state == {"cart-v1": (1, 1), "web-v1": (1, 0), "web-v2": (0, 0)}
    assert not [name for name in found if "stranger" in name]


def test_answers_are_counted_by_how_long_they_took_and_refusals_apart() -> None:
    stream, pushes = Stream(), Pushes()
    stream.publish(snapshot(CLUSTER={"a": "A1"}), 9.0)
    stream.receive(Request(CLUSTER, frozenset(), node_id="cart-v1"), 10.0)
    stream.receive(Request(CLUSTER, frozenset(), nonce="1"), 10.5)
    stream.publish(snapshot(CLUSTER={"a": "A2"}), 20.0)
    stream.receive(Request(CLUSTER, frozenset(), nonce="2", error="no such filter"), 21.0)
    pushes.take(stream.verdicts)
    assert stream.verdicts == []
    found = told(pushes)
    name = "mesh_config_push_seconds"
    quick = [found[f'{name}_bucket{{le="{le}"}}'] for le in ("0.01", "0.05", "0.1")]
    later = [found[f'{name}_bucket{{le="{le}"}}'] for le in ("0.5", "1", "60", "+Inf")]
    assert (quick, later) == ([0, 0, 0], [1, 1, 1, 1])
    assert (found[f"{name}_sum"], found[f"{name}_count"]) == (0.5, 1)
    assert found["mesh_config_refused_total"] == 1


def test_a_file_that_was_rejected_is_told() -> None:
    assert told()["mesh_file_rejected"] == 0
    assert told(is_rejected=True)["mesh_file_rejected"] == 1
