"""The graph of a window."""

from dataclasses import replace

import pytest

from collector.store.store import open_store
from collector.topology import graph
from tests.collector.rollups import BACKEND, put


def test_an_edge_tells_its_ratio_latency_retries_mtls_and_breakdowns():
    with open_store() as store:
        put(store, BACKEND, 1, [(0, 18, 20)], [(0, 1, 18)])
        put(
            store, replace(BACKEND, version="v2", code=503, flags="UF", mtls="none"), 2, [(0, 2, 2)]
        )

        drawn = graph(store.cursor(), 0, 10)

    (edge,) = drawn.edges
    assert edge.id == "frontend>backend"
    assert (edge.requests, edge.errors, edge.rps, edge.retries) == (20, 2, 2.0, 2)
    assert edge.error_ratio == pytest.approx(0.1)
    assert edge.mtls_ratio == 1.0
    assert edge.codes == {"200": 18, "503": 2}
    assert edge.flags == {"-": 18, "UF": 2}
    assert edge.versions == {"v1": 18, "v2": 2}
    assert edge.p50_ms == pytest.approx(0.064 * 2 ** (1 / 16), rel=1e-6)


def test_a_node_sums_what_arrives_and_a_mere_caller_has_no_ratio():
    with open_store() as store:
        put(store, replace(BACKEND, source="external", reporter="destination"), 1, [(0, 4, 0)])
        put(store, replace(BACKEND, destination="unknown", version="", code=404), 2, [(0, 1, 0)])

        nodes = {node.id: node for node in graph(store.cursor(), 0, 10).nodes}

    assert {name: node.kind for name, node in nodes.items()} == {
        "backend": "service",
        "external": "external",
        "frontend": "service",
        "unknown": "unknown",
    }
    assert nodes["backend"].requests == 4
    assert nodes["backend"].versions == ("v1",)
    assert nodes["frontend"].error_ratio is None
    assert nodes["frontend"].p95_ms is None


def test_a_silent_exporter_is_a_node_without_a_ratio():
    with open_store() as store:
        store.cursor().execute("INSERT INTO resources VALUES (1, 'cart', '', 'v3', 'c1', '{}')")
        store.cursor().execute("INSERT INTO heartbeats VALUES (20, 1)")

        (node,) = graph(store.cursor(), 0, 60).nodes
        assert graph(store.cursor(), 60, 120).nodes == ()

    assert (node.id, node.versions, node.requests, node.error_ratio) == ("cart", ("v3",), 0, None)


def test_a_pair_that_only_the_callee_reports_is_drawn_and_counts_nothing():
    with open_store() as store:
        put(store, replace(BACKEND, reporter="destination"), 1, [(0, 4, 0)])
        put(store, replace(BACKEND, signal="istio", source="web").as_evidence(), 2, [(0, 7, 7)])

        drawn = graph(store.cursor(), 0, 10)

    (edge,) = drawn.edges
    assert (edge.id, edge.requests, edge.error_ratio) == ("frontend>backend", 0, None)
    assert (edge.evidence.reporters, edge.evidence.counted_by) == (("destination",), ())
    assert (edge.evidence.arrived, edge.evidence.span_coverage) == (4, None)
    assert [node.requests for node in drawn.nodes] == [0, 0]
