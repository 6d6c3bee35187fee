"""Edges from spans: each call once, whatever the order, the delay and the number of passes."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import semconv
from collector.store import reader
from collector.store.span_edges import LATE_S, SETTLE_S, mark_s, read_stretch
from collector.store.store import open_store
from collector.store.tiers import TIERS_S
from tests.collector.exports import SECOND, T0, metrics
from tests.collector.inbox import CLIENT, CONSUMER, EVER, INTERNAL, PRODUCER, SERVER, Inbox, span

PAIR = ("source", "destination")
OK = {"http.response.status_code": 200}
PROXY = {"component": "proxy"}


@pytest.fixture
def inbox():
    with open_store() as store:
        yield Inbox(store)


def counted(inbox, *spans, by=PAIR):
    inbox.take_spans(*spans)
    inbox.count_spans()
    return inbox.rows(*by)


CALL = (
    span("web", 1, attributes=OK),
    span("cart", 2, 1, SERVER, version="v9", attributes=OK),
)


def test_a_call_seen_from_both_ends_is_one_request_of_the_caller(inbox):
    by = ("reporter", *PAIR, "version", "code", "signal")

    assert counted(inbox, *CALL, by=by) == [("source", "web", "cart", "v9", 200, "spans", 1, 1)]
    assert inbox.rows("reporter", canonical=False) == [("destination", 1, 1), ("source", 1, 1)]


def test_the_ends_may_come_in_other_exports_and_after_a_restart(inbox):
    inbox.take_spans(CALL[1])
    inbox.restart()
    inbox.take_spans(CALL[0])
    inbox.count_spans()

    assert inbox.rows(*PAIR) == [("web", "cart", 1, 1)]


def test_a_pass_that_is_repeated_counts_nothing_twice(inbox):
    counted(inbox, *CALL)
    inbox.cursor.execute(
        "UPDATE meta SET value = ? WHERE key = 'span_edges_to_s'", [str(T0 // SECOND - 100)]
    )
    inbox.count_spans()
    inbox.count_spans(T0 + 900 * SECOND)

    assert inbox.rows(*PAIR) == [("web", "cart", 1, 1)]


def test_a_span_that_comes_late_is_counted_and_heals_its_pair(inbox):
    assert counted(inbox, CALL[1]) == [("unknown", "cart", 1, 1)]
    late_ns = T0 + 300 * SECOND
    inbox.count_spans(late_ns)

    inbox.take_spans(CALL[0], at_ns=late_ns)
    inbox.count_spans(late_ns)

    assert inbox.rows(*PAIR) == [("web", "cart", 1, 1)]


def test_a_late_caller_heals_a_callee_that_was_counted_in_the_bucket_before(inbox):
    callee = span("cart", 2, 1, SERVER, end_s=9.999, attributes=OK)
    inbox.take_spans(callee)
    inbox.count_spans(T0 + 40 * SECOND)
    assert inbox.rows(*PAIR) == [("unknown", "cart", 1, 1)]

    inbox.take_spans(span("web", 1, end_s=10.001, attributes=OK), at_ns=T0 + 41 * SECOND)
    inbox.count_spans()

    assert inbox.rows(*PAIR) == [("web", "cart", 1, 1)]


def test_the_mark_is_set_back_by_late_spans_only_and_not_for_ever(inbox):
    inbox.count_spans(T0 + 2000 * SECOND)
    done_s = mark_s(inbox.cursor)
    inbox.take_spans(span("web", 1, end_s=1999), at_ns=T0 + 2000 * SECOND)
    assert mark_s(inbox.cursor) == done_s

    inbox.take_spans(CALL[0], at_ns=T0 + 2000 * SECOND)

    assert mark_s(inbox.cursor) == T0 // SECOND + 2000 - LATE_S - SETTLE_S


def test_all_tiers_hold_the_same(inbox):
    calls = [span("web", n, trace=n, end_s=7.0 * n) for n in range(1, 40)]
    inbox.take_spans(*calls)
    inbox.count_spans(T0 + 90 * SECOND)
    inbox.count_spans(T0 + 500 * SECOND)

    for tier in TIERS_S:
        for table, column in (("sli", "requests"), ("latency", "count")):
            sql = f"SELECT sum({column}) FROM {table}_{tier}"
            assert inbox.cursor.execute(sql).fetchone()[0] == 39
    (latency,) = reader.edge_latency(inbox.cursor, *EVER).to_pylist()
    assert latency["latency_bucket"] == 40  # 2 ms


@pytest.mark.parametrize(
    ("attributes", "destination"),
    [
        ({"peer.service": "billing"}, "billing"),
        ({"db.system.name": "postgresql", "server.address": "orders-db"}, "postgresql:orders-db"),
        ({"db.system": "redis", "net.peer.name": "10.0.0.7"}, "redis"),
        ({"messaging.system": "kafka", "messaging.destination.name": "orders"}, "kafka:orders"),
        ({"server.address": "billing.shop.svc.cluster.local"}, "billing"),
        ({"server.address": "api.example.com"}, "api.example.com"),
        ({"net.peer.name": "api.example.com"}, "api.example.com"),
        ({"server.address": "10.1.2.3"}, "unknown"),
        ({"server.address": "fd00::1"}, "unknown"),
        ({"upstream_cluster.name": "outbound|80|v2|billing.shop.svc"} | PROXY, "billing"),
        ({"upstream_cluster": "billing|v2"} | PROXY, "billing"),
        ({semconv.SPAN_DESTINATION: "spiffe://m/ns/d/sa/billing"}, "billing"),
        ({}, "unknown"),
    ],
)
def test_a_callee_without_a_span_is_named_by_what_the_caller_knows(inbox, attributes, destination):
    assert counted(inbox, span("web", 1, attributes=attributes)) == [("web", destination, 1, 1)]


@pytest.mark.parametrize(
    ("parent", "attributes", "source"),
    [
        (0, {}, "external"),
        (99, {}, "unknown"),
        (0, {semconv.SPAN_SOURCE: ""}, "external"),
    ],
)
def test_a_caller_without_a_span_is_virtual_and_the_callee_counts(
    inbox, parent, attributes, source
):
    callee = span("cart", 2, parent, SERVER, attributes=attributes)

    assert counted(inbox, callee) == [(source, "cart", 1, 1)]


def test_a_caller_that_its_certificate_names_is_left_to_count_for_itself(inbox):
    named = {semconv.SPAN_SOURCE: "spiffe://m/ns/d/sa/web"}
    inbox.take_spans(span("cart", 2, 99, SERVER, attributes=named))
    inbox.count_spans()

    assert inbox.rows(*PAIR) == []
    assert inbox.rows(*PAIR, "mtls", canonical=False) == [("web", "cart", "mtls", 1, 1)]


def test_messages_go_from_producer_to_consumer_or_over_the_broker(inbox):
    topic = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
    direct = [
        span("web", 1, kind=PRODUCER, attributes=topic),
        span("mail", 2, 1, CONSUMER, attributes=topic),
    ]
    assert counted(inbox, *direct) == [("web", "mail", 1, 1)]

    apart = [
        span("web", 3, kind=PRODUCER, trace=2, attributes=topic),
        span("mail", 4, 0, CONSUMER, trace=3, attributes=topic),
    ]
    inbox.take_spans(*apart)
    inbox.count_spans(T0 + 300 * SECOND)
    assert inbox.rows(*PAIR, canonical=False) == [
        ("kafka:orders", "mail", 1, 1),
        ("web", "kafka:orders", 1, 1),
        ("web", "mail", 2, 2),
    ]


def test_a_parent_that_is_no_client_span_still_names_the_caller(inbox):
    inner = span("web", 1, kind=INTERNAL)

    assert counted(inbox, inner, CALL[1], by=("reporter", *PAIR)) == [
        ("source", "web", "cart", 1, 1)
    ]


def test_an_application_and_the_proxies_around_it_make_one_call(inbox):
    inward, outward = {semconv.SPAN_DIRECTION: "inbound"}, {semconv.SPAN_DIRECTION: "outbound"}
    spans = [
        span("web", 1, kind=CLIENT, attributes={"server.address": "cart"}),
        span("web", 2, 1, SERVER, attributes=PROXY | outward),
        span("web", 3, 2, CLIENT, attributes=PROXY | outward | {"upstream_cluster": "cart|v1"}),
        span("cart", 4, 3, SERVER, attributes=PROXY | inward),
        span("cart", 5, 4, CLIENT, attributes=PROXY | inward | {"upstream_cluster": "app"}),
        span("cart", 6, 5, SERVER),
    ]
    without_servers = [
        span("web", 11, kind=CLIENT, trace=2, attributes={"server.address": "cart"}),
        span("web", 12, 11, CLIENT, trace=2, attributes=PROXY | {"upstream_cluster": "cart"}),
        span("cart", 13, 12, SERVER, trace=2),
    ]

    assert counted(inbox, *spans, *without_servers) == [("web", "cart", 2, 2)]


def test_a_service_that_calls_itself_without_a_proxy_is_an_edge(inbox):
    spans = [span("web", 1), span("web", 2, 1, SERVER), span("web", 3, 2, INTERNAL)]

    assert counted(inbox, *spans) == [("web", "web", 1, 1)]


@pytest.mark.parametrize(
    ("attributes", "status", "code"),
    [
        ({"http.status_code": 503}, 0, 503),
        ({"http.response.status_code": 404}, 2, 404),
        ({"rpc.grpc.status_code": 14}, 2, 503),
        ({"http.response.status_code": 200, "rpc.grpc.status_code": "0"}, 0, 200),
        ({}, 0, 200),
        ({}, 2, 0),
        ({"db.system": "redis"}, 2, 500),
    ],
)
def test_the_code_of_a_call(inbox, attributes, status, code):
    one = span("web", 1, status=status, attributes=attributes)

    assert counted(inbox, one, by=("code",)) == [(code, 1, 1)]


@pytest.mark.parametrize("key", ["http.request.resend_count", "retry.count"])
def test_attempts_of_one_request_count_once_with_the_last_outcome(inbox, key):
    failed = {"http.status_code": 503}
    spans = [
        span("web", 1, 50, attributes=failed | {"peer.service": "cart"}, end_s=1),
        span("web", 2, 50, attributes=failed | {"peer.service": "cart", key: 1}, end_s=2),
        span("web", 3, 50, attributes=OK | {"peer.service": "cart", key: 2}, end_s=3),
        span("web", 4, 50, attributes=OK | {"peer.service": "cart"}, end_s=3.5),
    ]

    assert counted(inbox, *spans, by=("code",)) == [(200, 2, 2), (503, 0, 2)]


def test_spans_of_a_head_sampler_count_for_those_that_it_dropped(inbox):
    spans = [span("web", n, trace=n, state="ot=th:8") for n in range(1, 6)]

    assert counted(inbox, *spans) == [("web", "unknown", 10, 10)]


@pytest.mark.parametrize(("threshold", "kept"), [("b333333333333", 0.3), ("4", 0.75)])
def test_sampled_spans_give_an_unbiased_estimate_of_their_edge(inbox, threshold, kept):
    calls, chance = 3000, random.Random(7)
    limit = int(threshold.ljust(14, "0"), 16)
    sampled = [
        span("web", n + 1, trace=n + 1, state=f"ot=th:{threshold}", end_s=n * 0.02,
             attributes=OK | {"peer.service": "cart", "http.route": f"/{n % 40}"})
        for n in range(calls)
        if chance.getrandbits(56) >= limit
    ]  # fmt: skip
    inbox.take_spans(*sampled)
    inbox.count_spans()
    ((requests, attempts),) = inbox.rows()
    timed = reader.edge_latency(inbox.cursor, *EVER)["count"].to_pylist()

    deviation = math.sqrt(calls * (1 - kept) / kept)
    assert requests == pytest.approx(calls, abs=3 * deviation)
    assert requests == pytest.approx(len(sampled) / kept, rel=0.02), "rounding bends nothing"
    assert (attempts, sum(timed)) == (requests, requests)


def sli(count, time_s=5, destination="cart|v1"):
    """Return what the proxy of web counted."""
    tags = {"direction": "outbound", "upstream_cluster": destination}
    points = [(semconv.SLI_REQUESTS, tags, count), (semconv.SLI_ATTEMPTS, tags, count)]
    return metrics(points, time_ns=T0 + time_s * SECOND, service="web", temporality=1)


@pytest.mark.parametrize("metrics_first", [True, False])
def test_where_metrics_count_a_pair_its_spans_are_evidence(inbox, metrics_first):
    if metrics_first:
        inbox.take(sli(7))
    inbox.take_spans(*CALL, span("web", 8, attributes={"db.system": "redis"}, trace=5))
    inbox.count_spans()
    if not metrics_first:
        assert inbox.rows(*PAIR, "signal")[0] == ("web", "cart", "spans", 1, 1)
        inbox.restart()
        inbox.take(sli(7))

    assert inbox.rows(*PAIR, "signal") == [
        ("web", "cart", "sli", 7, 7),
        ("web", "redis", "spans", 1, 1),
    ]
    evidence = inbox.rows("signal", "reporter", "canonical", "destination", canonical=False)
    assert ("spans", "source", False, "cart", 1, 1) in evidence


def test_a_metric_of_the_next_hour_means_the_same_traffic(inbox):
    last_s = 3600 - T0 // SECOND % 3600 - 1
    inbox.take_spans(span("web", 1, end_s=last_s, attributes={"peer.service": "cart"}))
    inbox.count_spans(T0 + (last_s + 60) * SECOND)
    inbox.take(sli(1, time_s=last_s + 4))

    assert inbox.rows(*PAIR, "signal") == [("web", "cart", "sli", 1, 1)]


TRACES = [
    body
    for n in range(1, 3)
    for body in (
        span("web", 10 * n, trace=n, end_s=15 * n, attributes=OK),
        span("cart", 10 * n + 1, 10 * n, SERVER, trace=n, end_s=15 * n - 0.001, attributes=OK),
        span(
            "cart", 10 * n + 2, 10 * n + 1, trace=n, end_s=9 * n, attributes={"db.system": "redis"}
        ),
    )
]


@settings(max_examples=10, deadline=None)
@given(st.permutations(TRACES), st.data())
def test_any_order_grouping_delay_restart_and_size_of_a_pass_count_the_same(bodies, data):
    with open_store() as store:
        inbox = Inbox(store)
        at_s = 0
        for body in bodies:
            at_s += data.draw(st.integers(0, 90))
            inbox.take_spans(body, at_ns=T0 + at_s * SECOND)
            if data.draw(st.booleans()):
                most_spans = data.draw(st.sampled_from([1, 3, 250_000]))
                inbox.count_spans(T0 + at_s * SECOND, most_spans)
            if data.draw(st.integers(0, 5)) == 0:
                inbox.restart()
        inbox.count_spans(T0 + (at_s + 120) * SECOND, most_spans=1)

        assert inbox.rows(*PAIR) == [("cart", "redis", 2, 2), ("web", "cart", 2, 2)]


def read_then(inbox, between, at_ns=T0 + 120 * SECOND):
    """Read the stretch that is due, let something happen, put the stretch into the rollups."""
    inbox.recorder.watch_spans()
    stretch = read_stretch(inbox.cursor, at_ns // SECOND)
    between()
    inbox.recorder.put_spans(inbox.cursor, stretch)


def test_spans_that_come_while_a_stretch_is_read_are_counted_by_the_next_one(inbox):
    inbox.take_spans(span("web", 1, trace=1))

    read_then(inbox, lambda: inbox.take_spans(span("web", 2, trace=2), at_ns=T0 + 120 * SECOND))
    assert inbox.total() == 1
    inbox.count_spans()

    assert inbox.total() == 2


def test_a_mark_that_late_spans_set_back_meanwhile_stays_where_they_set_it(inbox):
    inbox.count_spans(T0 + 60 * SECOND)
    inbox.take_spans(span("web", 1, trace=1, end_s=70), at_ns=T0 + 120 * SECOND)

    read_then(inbox, lambda: inbox.take_spans(span("web", 2, trace=2), at_ns=T0 + 120 * SECOND))
    assert mark_s(inbox.cursor) == T0 // SECOND - SETTLE_S
    inbox.count_spans()

    assert inbox.total() == 2


def test_a_pair_that_a_metric_claims_while_its_spans_are_read_counts_once(inbox):
    inbox.take_spans(*CALL)

    read_then(inbox, lambda: inbox.take(sli(7)))

    assert inbox.rows(*PAIR, "signal") == [("web", "cart", "sli", 7, 7)]
