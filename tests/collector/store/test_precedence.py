"""Several dialects about one traffic: one counts, whatever the order in which they come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import semconv
from collector.edges import SIGNALS
from collector.otlp.metrics import decode_metrics
from collector.store.store import open_store
from collector.store.tiers import TIERS_S
from tests.collector.dialects import ISTIO, LINKERD_OUT, LINKERD_ROUTE
from tests.collector.exports import SECOND, TAGS, metrics
from tests.collector.inbox import Inbox

HOUR_S = 3600
T1 = 500_000 * HOUR_S
"""The begin of an hour."""
SAYS = {
    "sli": (semconv.SLI_REQUESTS, TAGS | {"upstream_cluster": "payments|v2"}),
    "istio": ("istio_requests_total", ISTIO),
    "linkerd_route": ("route_response_total", LINKERD_ROUTE | {"deployment": "frontend"}),
    "linkerd": ("response_total", LINKERD_OUT | {"deployment": "frontend"}),
    "envoy_cluster": (
        "cluster.upstream_rq",
        {"envoy.cluster_name": "payments|v2", "envoy.response_code": "200"},
    ),
}


def told(signal, value, at_s, *, temporality=1, start_s=None, version="", **changes):
    """Return what the proxy of frontend says of its calls to payments, in one dialect."""
    name, labels = SAYS[signal]
    return metrics(
        [(name, labels | changes, value)],
        time_ns=(T1 + at_s) * SECOND,
        start_ns=(T1 + (at_s - 10 if start_s is None else start_s)) * SECOND,
        temporality=temporality,
        version=version,
    )


@pytest.fixture
def inbox():
    with open_store() as store:
        yield Inbox(store)


@pytest.mark.parametrize("better", ["sli", "istio", "linkerd"])
@pytest.mark.parametrize("better_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_the_better_dialect_of_an_exporter_counts_alone(inbox, better, better_first, together):
    bodies = [told(better, 7, 5), told("envoy_cluster", 8, 5)]
    bodies = bodies if better_first else bodies[::-1]
    if together:
        inbox.take(*bodies)
    else:
        for body in bodies:
            inbox.take(body)
            inbox.restart()

    assert [row[:3] for row in inbox.rows("signal", "destination")] == [(better, "payments", 7)]
    everything = {row[0]: row[1] for row in inbox.rows("signal", canonical=False)}
    assert everything == {better: 7, "envoy_cluster": 8}


def test_of_istios_two_reporters_the_source_counts(inbox):
    inbox.take(told("istio", 5, 5), told("istio", 6, 5, reporter="destination"))

    assert inbox.rows("reporter") == [("source", 5, 5)]


def test_an_hour_without_the_better_dialect_belongs_to_the_other(inbox):
    inbox.take(told("istio", 3, 5), told("envoy_cluster", 3, 5))
    inbox.take(told("envoy_cluster", 4, HOUR_S + 5))
    inbox.take(told("istio", 5, 3 * HOUR_S), told("envoy_cluster", 5, 3 * HOUR_S))

    assert inbox.rows("signal") == [("envoy_cluster", 4, 4), ("istio", 8, 8)]
    for tier in TIERS_S:
        sql = f"SELECT sum(requests) FROM sli_{tier} JOIN edges USING (edge_id) WHERE canonical"
        assert inbox.cursor.execute(sql).fetchone() == (12,)


def test_other_exporters_are_not_concerned(inbox):
    inbox.take(told("istio", 3, 5))
    inbox.take(told("istio", 2, 5, source_canonical_service="web", destination_version="v1"))
    inbox.take(told("linkerd", 9, 5, deployment="cart"))

    assert inbox.rows("source", "signal") == [
        ("cart", "linkerd", 9, 9),
        ("frontend", "istio", 3, 3),
        ("web", "istio", 2, 2),
    ]


def test_a_restarted_proxy_loses_nothing_in_any_dialect(inbox):
    for signal in ("istio", "envoy_cluster"):
        inbox.take(told(signal, 10, 20, temporality=2, start_s=10))
        inbox.take(told(signal, 15, 30, temporality=2, start_s=10))
        inbox.restart()
        inbox.take(told(signal, 4, 40, temporality=2, start_s=35))
        inbox.take(told(signal, 3, 50, temporality=2, start_s=35))  # a reset that tells no start

    assert inbox.rows("signal") == [("istio", 22, 22)]
    assert inbox.rows("signal", canonical=False) == [("envoy_cluster", 22, 22), ("istio", 22, 22)]


def test_what_a_failed_transaction_claimed_is_forgotten(inbox):
    inbox.cursor.begin()
    inbox.recorder.add(decode_metrics(told("istio", 7, 5)), T1 * SECOND)
    inbox.recorder.rollback()
    inbox.cursor.rollback()
    inbox.take(told("envoy_cluster", 8, 5))

    assert inbox.rows("signal") == [("envoy_cluster", 8, 8)]


def test_a_workload_without_the_better_dialect_counts_by_its_own(inbox):
    inbox.take(told("istio", 5, 5, version="v1"), told("istio", 6, 5, version="v2"))
    inbox.restart()
    inbox.take(told("sli", 4, 15, version="v1"))

    assert inbox.rows("signal") == [("istio", 6, 6), ("sli", 4, 0)]


def test_a_workload_that_does_not_say_who_it_is_may_be_any_of_its_service(inbox):
    inbox.take(told("istio", 5, 5), told("istio", 6, 5, version="v2"))
    inbox.take(told("sli", 4, 15, version="v1"))

    assert inbox.rows("signal") == [("istio", 6, 6), ("sli", 4, 0)]


@pytest.mark.parametrize("routes_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_linkerds_routes_take_the_pairs_that_they_know(inbox, routes_first, together):
    _, labels = SAYS["linkerd_route"]
    actual = metrics(
        [("route_actual_response_total", labels, 9)],
        time_ns=(T1 + 5) * SECOND,
        start_ns=T1 * SECOND,
        temporality=1,
    )
    bodies = [told("linkerd_route", 7, 5), actual, told("linkerd", 9, 5)]
    bodies = bodies if routes_first else bodies[::-1]
    if together:
        inbox.take(*bodies)
    else:
        for body in bodies:
            inbox.take(body)
            inbox.restart()
    inbox.take(told("linkerd", 3, 5, dst_deployment="cart", authority="cart:80"))

    assert inbox.rows("signal", "destination") == [
        ("linkerd", "cart", 3, 3),
        ("linkerd_route", "payments", 7, 9),
    ]


def test_linkerds_routes_under_another_name_than_its_plain_counts_are_evidence(inbox):
    inbox.take(told("linkerd_route", 7, 5, dst="pay:80"), told("linkerd", 9, 5))

    assert inbox.rows("signal", "destination") == [("linkerd", "payments", 9, 9)]


METRICS = SIGNALS[:-1]
WORKLOADS = ("", "v1", "v2")
EXPORTS = st.lists(
    st.tuples(
        st.sampled_from(METRICS),
        st.integers(1, 9),
        st.integers(0, 2),
        st.integers(0, 359),
        st.sampled_from(WORKLOADS),
    ),
    min_size=1,
    max_size=8,
)
RANKS = {"sli": 0, "istio": 1, "linkerd_route": 2, "linkerd": 2, "envoy_cluster": 3}


def counted_alone(exports):
    """Return what counts of the exports of one hour, by the words of ADR 5 and no state."""

    def best(workload):
        rivals = (workload, "") if workload else WORKLOADS
        return min(RANKS[signal] for signal, *_, other in exports if other in rivals)

    told = {signal for signal, *_ in exports}
    loser = "linkerd" if {"linkerd", "linkerd_route"} <= told else "linkerd_route"
    return sum(
        count
        for signal, count, _, _, workload in exports
        if RANKS[signal] == best(workload) and signal != loser
    )


@settings(max_examples=40, deadline=None)
@given(EXPORTS, st.data())
def test_any_mixture_and_order_gives_what_the_best_of_each_hour_counted(exports, data):
    hours = {hour: [one for one in exports if one[2] == hour] for _, _, hour, _, _ in exports}
    with open_store() as store:
        inbox = Inbox(store)
        for i in data.draw(st.permutations(range(len(exports)))):
            signal, count, hour, ten, workload = exports[i]
            at_s = hour * HOUR_S + ten * 10
            inbox.take(told(signal, count, at_s, version=workload), at_ns=(T1 + i) * SECOND)
            if data.draw(st.integers(0, 3)) == 0:
                inbox.restart()

        assert (inbox.rows() or [(0,)])[0][0] == sum(map(counted_alone, hours.values()))
        everything = inbox.rows(canonical=False)[0][0]
        assert everything == sum(count for _, count, *_ in exports)
