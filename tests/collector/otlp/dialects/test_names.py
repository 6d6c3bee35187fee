"""Spellings that all dialects share."""

import pytest

from collector.otlp.dialects import may_be_sli
from collector.otlp.dialects.names import cluster_target, final_code, first_name, http_code, stem


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("istio_requests_total", ("istio_requests", "")),
        ("istio.requests", ("istio_requests", "")),
        ("istio_request_duration_milliseconds", ("istio_request_duration", "ms")),
        ("response_latency_ms", ("response_latency", "ms")),
        ("envoy_cluster_upstream_rq_total", ("cluster_upstream_rq", "")),
        ("envoy.cluster.upstream_rq", ("cluster_upstream_rq", "")),
        ("cluster.upstream_rq_time", ("cluster_upstream_rq_time", "")),
    ],
)
def test_prefix_dots_total_and_unit_are_no_part_of_a_name(name, bare):
    assert stem(name) == bare


@pytest.mark.parametrize(
    ("cluster", "target"),
    [
        ("backend|v1", ("backend", "v1")),
        ("db|-", ("db", "")),
        ("db", ("db", "")),
        ("outbound|80|v2|payments.shop.svc.cluster.local", ("payments", "v2")),
        ("outbound|80||payments.shop.svc.cluster.local", ("payments", "")),
        ("outbound_.80_._.payments.shop.svc.cluster.local", ("payments", "")),
        ("outbound_.80_.v2_.payments.shop.svc.cluster.local", ("payments", "v2")),
        ("outbound|443||api.example.com", ("api.example.com", "")),
        ("inbound|8080||", None),
        ("payments.default.dc1.internal.11.consul", ("payments", "")),
        ("v2.payments.default.dc1.internal.11.consul", ("payments", "v2")),
        ("xds", None),
        ("app", None),
        ("BlackHoleCluster", ("unknown", "")),
        ("", ("unknown", "")),
    ],
)
def test_the_service_behind_a_cluster(cluster, target):
    assert cluster_target(cluster) == target


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("cart.shop.svc.cluster.local:8080", "cart"),
        ("cart.shop.svc", "cart"),
        ("api.example.com:443", "api.example.com"),
        ("cart", "cart"),
        ("", ""),
    ],
)
def test_a_host_inside_the_cluster_is_its_service(host, service):
    assert first_name(host) == service


@pytest.mark.parametrize(
    ("text", "code"), [("200", 200), ("0", 0), ("-", 0), ("", 0), ("ok", None), ("99999", None)]
)
def test_a_code_is_a_number_or_none_was_sent(text, code):
    assert http_code(text) == code


@pytest.mark.parametrize(
    ("code", "grpc", "final"),
    [
        (200, "0", 200),
        (200, "14", 503),
        (200, "5", 404),
        (200, "77", 500),
        (200, "", 200),
        (503, "0", 503),
        (0, "14", 0),
    ],
)
def test_a_grpc_status_is_translated_when_http_was_fine(code, grpc, final):
    assert final_code(code, grpc) == final


def test_most_metrics_are_never_looked_at():
    assert not may_be_sli("cluster.membership_healthy")
    assert may_be_sli("sli.requests")
    assert may_be_sli("istio_requests_total")
