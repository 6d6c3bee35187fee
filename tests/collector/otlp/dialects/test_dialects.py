"""Series of every dialect on their edges."""

import pytest

from collector.edges import SIGNALS, Edge
from collector.otlp.batch import Resource
from collector.otlp.dialects import DIALECTS, find_sli
from tests.collector.dialects import ISTIO, LINKERD_IN, LINKERD_OUT, LINKERD_ROUTE

PROXY = Resource("frontend", "shop", "v7", "", "{}")


def sli(name, labels, unit=""):
    found = find_sli(name, unit, labels, PROXY)
    assert found is not None
    return found


def edge(name, labels, **changes):
    return sli(name, labels | changes).edge


def test_the_order_of_the_dialects_is_the_order_of_precedence():
    assert (*DIALECTS, "spans") == SIGNALS


@pytest.mark.parametrize("name", ["istio_requests_total", "istio_requests", "istio.requests"])
def test_istio_at_the_source(name):
    assert edge(name, ISTIO) == Edge(
        "source", "frontend", "payments", "v2", "", 200, "-", "mtls", "istio"
    )
    assert sli(name, ISTIO).kind == "calls"


def test_istio_at_the_destination_is_evidence_but_for_outsiders():
    met = edge("istio_requests_total", ISTIO, reporter="destination")
    outside = edge(
        "istio_requests_total",
        ISTIO,
        reporter="destination",
        source_workload="unknown",
        source_canonical_service="unknown",
    )

    assert (met.reporter, met.source, met.canonical) == ("destination", "frontend", False)
    assert (outside.source, outside.canonical) == ("external", True)


@pytest.mark.parametrize(
    ("changes", "destination"),
    [
        ({}, "payments"),
        ({"destination_canonical_service": "unknown"}, "payments-v2"),
        ({"destination_canonical_service": "unknown", "destination_workload": "unknown"}, "pay"),
        (
            {"destination_canonical_service": "unknown", "destination_workload": "unknown"}
            | {"destination_service_name": "PassthroughCluster"},
            "unknown",
        ),
    ],
)
def test_whom_istio_called(changes, destination):
    assert edge("istio_requests_total", ISTIO, **changes).destination == destination


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_code": "503"}, 503),
        ({"response_code": "0"}, 0),
        ({"grpc_response_status": "14"}, 503),
        ({"grpc_response_status": "0"}, 200),
    ],
)
def test_istios_codes(changes, code):
    assert edge("istio_requests_total", ISTIO, **changes).code == code


@pytest.mark.parametrize(
    ("policy", "principal", "mtls"),
    [
        ("mutual_tls", "", "mtls"),
        ("none", "", "plaintext"),
        ("unknown", "spiffe://x/sa/payments", "mtls"),
        ("unknown", "unknown", "none"),
    ],
)
def test_istios_mtls(policy, principal, mtls):
    labels = {"connection_security_policy": policy, "destination_principal": principal}

    assert edge("istio_requests_total", ISTIO, **labels).mtls == mtls


@pytest.mark.parametrize(
    ("name", "unit", "scale_us"),
    [
        ("istio_request_duration_milliseconds", "", 1000),
        ("istio_request_duration", "s", 1e6),
        ("istio_request_duration_milliseconds", "ms", 1000),
    ],
)
def test_istios_durations_tell_their_unit_in_the_name_or_beside_it(name, unit, scale_us):
    found = sli(name, ISTIO, unit)

    assert (found.kind, found.scale_us) == ("duration", scale_us)


def test_what_a_waypoint_reports_is_left_out():
    assert find_sli("istio_requests_total", "", ISTIO | {"reporter": "waypoint"}, PROXY) is None


def test_linkerd_at_both_ends():
    assert edge("response_total", LINKERD_OUT) == Edge(
        "source", "web", "payments", "", "", 200, "-", "mtls", "linkerd"
    )
    assert edge("response_total", LINKERD_IN) == Edge(
        "destination", "web", "payments", "v7", "", 200, "-", "mtls", "linkerd"
    )
    assert not edge("response_total", LINKERD_IN).canonical


def test_a_linkerd_caller_without_identity_is_an_outsider():
    outside = edge("response_total", LINKERD_IN, client_id="", tls="no_identity")

    assert (outside.source, outside.mtls, outside.canonical) == ("external", "plaintext", True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status_code": "404"}, 404),
        ({"classification": "failure", "grpc_status": "13"}, 500),
        ({"classification": "failure", "status_code": "503"}, 503),
        ({"classification": "failure"}, 0),
    ],
)
def test_linkerds_codes(changes, code):
    assert edge("response_total", LINKERD_OUT, **changes).code == code


def test_linkerd_without_a_workload_is_named_by_whom_it_asked_for():
    bare = {key: value for key, value in LINKERD_OUT.items() if key != "dst_deployment"}

    assert edge("response_total", bare).destination == "payments"
    assert sli("response_latency_ms", LINKERD_OUT).scale_us == 1000


@pytest.mark.parametrize("name", ["request_total", "response_bytes_total", "route_response_total"])
def test_what_linkerd_counts_again_is_left_out(name):
    assert find_sli(name, "", LINKERD_OUT, PROXY) is None


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("route_response_total", "requests", 503),
        ("route_actual_response_total", "attempts", 503),
        ("route_response_latency_ms", "duration", 503),
    ],
)
def test_linkerds_routes_tell_requests_and_attempts_apart(name, kind, code):
    labels = LINKERD_ROUTE | {"status_code": "503", "classification": "failure"}
    found = sli(name, labels)

    assert found.kind == kind
    assert found.edge == Edge(
        "source", "web", "payments", "", "POST /charge", code, "-", "none", "linkerd_route"
    )
    assert find_sli(name, "", labels | {"direction": "inbound"}, PROXY) is None


@pytest.mark.parametrize(("classification", "code"), [("success", 200), ("failure", 0)])
def test_a_route_of_linkerd_without_a_status_has_that_of_its_class(classification, code):
    bare = {key: value for key, value in LINKERD_ROUTE.items() if key != "status_code"}

    assert edge("route_response_latency_ms", bare, classification=classification).code == code


def test_a_response_total_of_somebody_else_is_no_sli():
    labels = {"direction": "outbound", "status_code": "200"}

    assert find_sli("response_total", "", labels, PROXY) is None


TAGS = {"envoy.cluster_name": "outbound|80|v2|payments.shop.svc.cluster.local"}


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("cluster.upstream_rq", TAGS | {"envoy.response_code": "503"}),
        (
            "envoy_cluster_upstream_rq_total",
            {"envoy_cluster_name": TAGS["envoy.cluster_name"], "envoy_response_code": "503"},
        ),
        (f"cluster.{TAGS['envoy.cluster_name']}.upstream_rq_503", {}),
        ("cluster.payments|v2.upstream_rq_503", {}),
        ("envoy_cluster_payments|v2_upstream_rq_503_total", {}),
    ],
)
def test_answers_of_an_envoy_cluster_with_and_without_tags(name, tags):
    assert edge(name, tags) == Edge(
        "source", "frontend", "payments", "v2", "", 503, "-", "none", "envoy_cluster"
    )
    assert sli(name, tags).kind == "calls"


def test_retries_and_times_of_an_envoy_cluster():
    retry = sli("cluster.upstream_rq_retry", TAGS)
    time = sli("cluster.upstream_rq_time", TAGS, "ms")

    assert (retry.kind, retry.edge.code) == ("attempts", 0)
    assert (time.kind, time.scale_us) == ("duration", 1000)
    assert sli("cluster.payments.upstream_rq_time", {}).kind == "duration"


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("cluster.external.upstream_rq", TAGS | {"envoy.response_code": "503"}),
        ("cluster.upstream_rq_total", TAGS),
        ("cluster.upstream_rq_completed", TAGS),
        ("cluster.upstream_rq_xx", TAGS | {"envoy.response_code_class": "5"}),
        ("cluster.upstream_rq_retry_success", TAGS),
        ("cluster.payments.external.upstream_rq_503", {}),
        ("cluster.payments.retry.upstream_rq_503", {}),
        ("cluster.upstream_rq", {"envoy.cluster_name": "xds", "envoy.response_code": "200"}),
        ("vhost.route.upstream_rq", {"envoy.route": "r", "envoy.response_code": "200"}),
    ],
)
def test_what_envoy_counts_again_or_for_itself_is_left_out(name, tags):
    assert find_sli(name, "", tags, PROXY) is None


def test_consuls_tags_name_both_services():
    tags = {
        "envoy.cluster_name": "v1.x.default.dc1.internal.1.consul",
        "consul.destination.service": "payments",
        "consul.source.service": "web",
        "envoy.response_code": "200",
    }

    named = edge("cluster.upstream_rq", tags)
    assert (named.source, named.destination) == ("web", "payments")
