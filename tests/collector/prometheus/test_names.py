"""Names and labels of OTLP metrics, as the specification and Prometheus's receiver have them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.prometheus.names import (
    Metric,
    Naming,
    as_labels,
    identity,
    label_name,
    label_values,
    metric_name,
)

ENVOY = {"telemetry.sdk.name": "envoy", "service.name": "cart"}


@pytest.mark.parametrize(
    ("name", "unit", "type_", "expected"),
    [
        ("http.server.duration", "s", "histogram", "http_server_duration_seconds"),
        ("http.server.duration_seconds", "s", "histogram", "http_server_duration_seconds"),
        ("system.network.io", "By", "counter", "system_network_io_bytes_total"),
        ("requests_total", "{request}", "counter", "requests_total"),
        ("total.requests", "", "counter", "requests_total"),
        ("queue.size", "{item}", "sum", "queue_size"),
        ("disk.speed", "By/s", "gauge", "disk_speed_bytes_per_second"),
        ("cpu.utilization", "1", "gauge", "cpu_utilization_ratio"),
        ("cpu.ratio.used", "1", "gauge", "cpu_used_ratio"),
        ("battery", "%", "gauge", "battery_percent"),
        ("room", "Cel", "gauge", "room_celsius"),
        ("a__b..c", "", "gauge", "a_b_c"),
        ("2xx.count", "", "gauge", "_2xx_count"),
        ("job:rate:5m", "", "gauge", "job:rate:5m"),
        ("latency", "furlong", "gauge", "latency_furlong"),
        ("things", "{a}/s", "gauge", "things_per_second"),
        ("errors", "1", "counter", "errors_total"),
    ],
)
def test_units_and_totals_are_said_once_at_the_end(name, unit, type_, expected):
    is_counter = type_ == "counter"
    metric = Metric(name, unit, "sum" if is_counter else type_, is_counter)

    assert metric_name(metric) == expected


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("UnderscoreEscapingWithSuffixes", "http_io_bytes_total"),
        ("UnderscoreEscapingWithoutSuffixes", "http_io"),
        ("NoUTF8EscapingWithSuffixes", "http.io_bytes_total"),
        ("NoTranslation", "http.io"),
    ],
)
def test_the_strategy_decides_on_escapes_and_suffixes(strategy, expected):
    assert metric_name(Metric("http.io", "By", "sum", True), strategy) == expected


def test_the_statistics_of_envoy_are_named_as_envoy_names_them():
    counter = Metric("cluster.upstream_rq_xx", "", "sum", True)
    prefixed = Metric("envoy.cluster.upstream_rq_xx", "", "sum", True)

    assert Naming().metric(counter, ENVOY) == "envoy_cluster_upstream_rq_xx"
    assert Naming().metric(prefixed, ENVOY) == "envoy_cluster_upstream_rq_xx"
    plain = Naming(has_envoy_profile=False)
    assert plain.metric(counter, ENVOY) == "cluster_upstream_rq_xx_total"
    assert Naming().metric(counter, {"service.name": "cart"}) == "cluster_upstream_rq_xx_total"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("http.method", "http_method"),
        ("2xx", "key_2xx"),
        ("_private", "key_private"),
        ("__meta", "__meta"),
        ("ü-x", "__x"),
    ],
)
def test_label_names_have_letters_digits_and_underscores(key, expected):
    assert label_name(key) == expected


def test_values_of_colliding_keys_are_joined_in_the_order_of_the_keys():
    told = label_values({"a.b": "2", "a-b": "1", "a_b": "3", "empty": "", "n": 5, "yes": True})

    assert told == {"a_b": "1;2;3", "n": "5", "yes": "true"}


def test_job_and_instance_say_who_exported():
    namespaced = {"service.name": "cart", "service.namespace": "shop", "service.instance.id": "0"}

    assert identity(namespaced) == {"job": "shop/cart", "instance": "0"}
    assert identity({"service.name": "cart"}) == {"job": "cart"}
    assert identity({}) == {}


def test_target_info_needs_an_identity_and_something_to_tell():
    naming = Naming()
    told = {"service.name": "cart", "service.instance.id": "0", "host.name": "h"}

    assert naming.target_info(told) == {"job": "cart", "instance": "0", "host_name": "h"}
    assert naming.target_info({"service.name": "cart"}) is None
    assert naming.target_info({"host.name": "h"}) is None


@given(st.text(min_size=1), st.sampled_from(["", "s", "By/s", "{x}", "%"]), st.booleans())
def test_every_name_with_a_letter_is_a_legal_one(name, unit, is_counter):
    made = metric_name(Metric(f"x{name}", unit, "sum", is_counter))

    assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", made)
    assert made.endswith("_total") is is_counter or not is_counter


@given(st.dictionaries(st.text(), st.text()))
def test_labels_are_sorted_legal_and_never_empty(attributes):
    labels = as_labels(label_values(attributes))

    assert list(labels) == sorted(labels)
    assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) and value for name, value in labels)
