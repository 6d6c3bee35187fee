"""/metrics/mesh: what a Prometheus scrapes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.edges import latency_bound_us
from dashboards.web.app import create_app
from dashboards.web.exposition import Family, Sample, expose
from dashboards.web.mesh_metrics import exposed_buckets
from slo.latency import le_label, threshold_bucket
from slo.ledger import Ledger
from tests.dashboards.web.seeded import MINUTE_AGO_S, NOW_S, deps, latency
from tests.dashboards.web.visitor import Visitor


def value(text, series):
    (found,) = [line for line in text.splitlines() if line.startswith(f"{series} ")]
    return float(found.rsplit(" ", 1)[1])


def test_counters_are_of_canonical_rows_only(client):
    text = client.get("/metrics/mesh").text
    lines = [line for line in text.splitlines() if line.startswith("mesh_requests_total{")]

    assert sum(float(line.rsplit(" ", 1)[1]) for line in lines) == 200
    failed = (
        'mesh_requests_total{source="frontend",destination="cart",version="v1",route="cart",'
        'code="503",flags="UH"}'
    )
    assert value(text, failed) == 20
    assert value(text, 'mesh_retries_total{source="frontend",destination="cart"}') == 25
    tls = 'mesh_tls_requests_total{source="external",destination="frontend",mtls="plaintext"}'
    assert value(text, tls) == 100


def test_effective_and_actual_outcome_are_told_apart(client):
    text = client.get("/metrics/mesh").text
    cart = 'source="frontend",destination="cart"'

    assert value(text, f"mesh_attempts_total{{{cart}}}") == 125
    arrivals = {
        result: value(text, f'mesh_arrivals_total{{{cart},result="{result}"}}')
        for result in ("ok", "error")
    }
    (edge,) = [e for e in client.get("/api/topology").json()["edges"] if e["source"] == "frontend"]
    assert sum(arrivals.values()) == edge["evidence"]["arrived"]


CART = 'source="frontend",destination="cart",version="v1",route="cart"'


@pytest.mark.parametrize(("result", "requests"), [("ok", 80), ("error", 20)])
def test_a_histogram_is_cumulative_and_ends_with_the_count_of_its_result(client, result, requests):
    text = client.get("/metrics/mesh").text
    cart = [
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith(f'mesh_request_duration_seconds_bucket{{{CART},result="{result}"')
    ]
    count = f'mesh_request_duration_seconds_count{{{CART},result="{result}"}}'

    assert cart == sorted(cart)
    assert cart[-1] == value(text, count) == requests


def test_the_threshold_of_a_latency_slo_is_a_bound_with_its_good_events(client):
    text = client.get("/metrics/mesh").text
    le = le_label(latency_bound_us(threshold_bucket(10.0)))
    series = f'mesh_request_duration_seconds_bucket{{{CART},result="ok",le="{le}"}}'

    assert value(text, series) == 80


def test_slos_expose_their_objective_and_events(client):
    text = client.get("/metrics/mesh").text
    labels = 'slo="cart-availability",service="cart"'

    assert value(text, f"meshscope_slo_objective_ratio{{{labels}}}") == 0.9
    assert value(text, f'meshscope_slo_events_total{{{labels},result="good"}}') == 80
    assert value(text, f'meshscope_slo_events_total{{{labels},result="bad"}}') == 20


def test_each_exporter_has_a_time_it_was_heard(client):
    text = client.get("/metrics/mesh").text
    series = 'mesh_exporter_last_seen_timestamp_seconds{service="idle",instance="idle-0"}'

    assert value(text, series) == NOW_S // 10 * 10


def test_a_proxy_that_retired_more_than_an_hour_ago_is_not_told(client):
    text = client.get("/metrics/mesh").text
    names = re.findall(r'mesh_exporter_last_seen_timestamp_seconds{service="(\w+)"', text)

    assert names == ["cart", "idle"]


def test_an_empty_store_exposes_families_without_samples(empty_client):
    answer = empty_client.get("/metrics/mesh")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert all(line.startswith("# ") for line in answer.text.splitlines())


def test_bounds_are_one_per_doubling_and_the_thresholds():
    assert len(exposed_buckets(())) == 21
    assert threshold_bucket(10.0) in exposed_buckets([latency(threshold_ms=10.0)])


@given(st.text())
def test_any_label_value_stays_on_one_line_and_reads_back(text):
    line = expose([Family("m", "gauge", "h", ("l",), [Sample((text,), 1)])]).split("\n", 2)[2]
    quoted = re.fullmatch(r'm\{l="((?:[^"\\\n]|\\["\\n])*)"\} 1\n', line)

    assert quoted is not None
    plain = re.sub(r'\\(["\\n])', lambda found: {"n": "\n"}.get(found[1], found[1]), quoted[1])
    assert plain == text


@pytest.mark.parametrize(("entered_s", "bad"), [(MINUTE_AGO_S - 600, 0), (NOW_S, 20)])
def test_a_maintenance_is_excluded_if_it_was_entered_before_it_began(
    store, tmp_path, entered_s, bad
):
    ledger = Ledger(tmp_path / "ledger.yaml")
    from_s = MINUTE_AGO_S // 60 * 60
    ledger.add(["cart-availability"], from_s, from_s + 60, by="ops", why="move", now_s=entered_s)
    text = Visitor(create_app(deps(store, ledger=ledger))).get("/metrics/mesh").text
    series = 'meshscope_slo_events_total{{slo="{}",service="cart",result="bad"}}'
    assert value(text, series.format("cart-availability")) == bad
    assert value(text, series.format("cart-latency")) > 0
