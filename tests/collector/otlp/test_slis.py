"""Series of SLI metrics on their edges."""

import pytest

from collector import semconv
from collector.edges import LATENCY_BUCKETS, Edge, latency_bounds_us
from collector.otlp.batch import Resource
from collector.otlp.slis import latency_counts, sli_of, spiffe_service
from tests.collector.exports import TAGS

FRONTEND = Resource("frontend", "", "v7", "", "{}")


def edge(**tags):
    sli = sli_of(semconv.SLI_REQUESTS, "", TAGS | tags, FRONTEND)
    assert sli is not None
    return sli.edge


def test_the_callers_view_takes_the_destination_from_the_cluster():
    assert edge() == Edge("source", "frontend", "backend", "v1", "default", 200, "-", "mtls")


def test_the_callees_view_takes_the_source_from_the_spiffe_id():
    inbound = edge(direction="inbound", src="spiffe://m/ns/d/sa/gateway", dst="")

    assert inbound == Edge("destination", "gateway", "frontend", "v7", "default", 200, "-", "mtls")
    assert not inbound.canonical


def test_a_caller_without_identity_is_external_and_its_row_counts():
    outsider = edge(direction="inbound", src="", dst="")

    assert (outsider.source, outsider.mtls, outsider.canonical) == ("external", "plaintext", True)


@pytest.mark.parametrize(
    ("cluster", "destination", "version"),
    [("-", "unknown", ""), ("", "unknown", ""), ("db", "db", ""), ("db|-", "db", "")],
)
def test_destinations_of_odd_clusters(cluster, destination, version):
    odd = edge(upstream_cluster=cluster)

    assert (odd.destination, odd.version) == (destination, version)


@pytest.mark.parametrize(
    ("tags", "mtls"),
    [
        ({}, "mtls"),
        ({"dst": ""}, "plaintext"),
        ({"dst": "", "code": "503", "flags": "UF,URX"}, "none"),
        ({"dst": "", "code": "504", "flags": "UT"}, "none"),
        ({"dst": "", "code": "0", "flags": "DC"}, "none"),
        ({"dst": "", "code": "404", "flags": "NR", "upstream_cluster": "-"}, "none"),
        ({"dst": "", "code": "418", "flags": "FI"}, "none"),
        ({"dst": "", "code": "429", "flags": "RL"}, "none"),
    ],
)
def test_whether_a_call_was_encrypted(tags, mtls):
    assert edge(**tags).mtls == mtls


@pytest.mark.parametrize(
    "change", [{"direction": "sideways"}, {"code": "ok"}, {"code": "99999"}, {"code": None}]
)
def test_a_series_that_cannot_be_placed_is_no_sli(change):
    assert sli_of(semconv.SLI_REQUESTS, "", TAGS | change, FRONTEND) is None


def test_other_metrics_and_units_are_no_sli():
    assert sli_of("cluster.upstream_rq", "", TAGS, FRONTEND) is None
    assert sli_of(semconv.SLI_DURATION, "parsec", TAGS, FRONTEND) is None


@pytest.mark.parametrize(
    ("spiffe_id", "service"),
    [
        ("spiffe://mesh.local/ns/default/sa/cart", "cart"),
        ("spiffe://a/sa/one,spiffe://a/sa/two", "one"),
        ("spiffe://plain/cart", "cart"),
        ("", "external"),
    ],
)
def test_the_service_of_a_spiffe_id(spiffe_id, service):
    assert spiffe_service(spiffe_id) == service


def test_counts_between_our_own_bounds_stay_in_their_bucket():
    counts = list(range(1, LATENCY_BUCKETS + 3))

    assert latency_counts(latency_bounds_us(), counts) == dict(enumerate(counts))


def test_counts_between_other_bounds_go_to_the_geometric_middle():
    assert latency_counts([100, 10_000], [2, 3, 4]) == {0: 2, 32: 3, 59: 4}
    assert latency_counts([0.1, 10.0], [2, 3, 4], scale_us=1000) == {0: 2, 32: 3, 59: 4}
    assert latency_counts([], [5]) == {}
