"""What the two ends say of an edge."""

import pytest

from collector.evidence import Attempts, Evidence, fold
from collector.store.store import open_store
from collector.topology import graph
from tests.collector.exports import SECOND, T0
from tests.collector.inbox import SERVER, Inbox, span
from tests.collector.rollups import BACKEND


def row(reporter="source", signal="sli", requests=0, attempts=0, errors=0, **more):
    """Return a row of counts; the callee's rows do not count unless said otherwise."""
    return {
        "source": "web",
        "destination": "cart",
        "reporter": reporter,
        "signal": signal,
        "canonical": reporter == "source",
        "requests": requests,
        "attempts": attempts,
        "errors": errors,
    } | more


def judged(*rows):
    ((pair, found),) = fold(rows).items()
    return pair, *found


def test_both_sides_and_the_share_of_spans():
    pair, evidence, attempts = judged(
        row(requests=100, attempts=120, errors=2),
        row("destination", requests=115, errors=17),
        row("source", "spans", requests=30, attempts=36, canonical=False),
        row("source", "envoy_cluster", requests=101, attempts=121, canonical=False),
        row("destination", "spans", requests=35, errors=5),
    )

    assert pair == ("web", "cart")
    assert evidence == Evidence(
        reporters=("source", "destination"),
        signals=("sli", "envoy_cluster", "spans"),
        counted_by=("sli",),
        is_estimated=False,
        spans=30,
        span_coverage=0.3,
        sent=120,
        arrived=115,
        not_arrived=5,
    )
    assert attempts == Attempts(120, 22 / 120)


def test_retries_that_the_caller_does_not_tell_are_seen_at_the_callee():
    _, evidence, attempts = judged(
        row(signal="istio", requests=1, attempts=1),
        row("destination", "istio", requests=3, errors=2),
    )

    assert (evidence.arrived, evidence.not_arrived) == (3, 0)
    assert attempts == Attempts(3, 2 / 3)


def test_where_only_the_caller_reports_the_actual_outcome_is_unknown():
    _, evidence, attempts = judged(row(requests=4, attempts=6, errors=1))

    assert (evidence.sent, evidence.arrived, evidence.not_arrived) == (6, None, None)
    assert attempts == Attempts(6, None)


def test_an_outsider_is_counted_where_it_arrives():
    _, evidence, attempts = judged(
        row("destination", requests=10, errors=1, source="external", canonical=True),
        row("destination", "spans", requests=4, source="external", canonical=False),
    )

    assert (evidence.sent, evidence.arrived, evidence.span_coverage) == (10, 10, 0.4)
    assert attempts == Attempts(10, 0.1)


def test_spans_alone_are_an_estimate_without_a_coverage():
    _, evidence, _ = judged(row("source", "spans", requests=5, attempts=5))

    assert (evidence.is_estimated, evidence.spans, evidence.span_coverage) == (True, 5, None)


def test_no_attempt_has_no_ratio():
    _, _, attempts = judged(row(requests=0), row("destination"))

    assert attempts == Attempts(0, None)


def test_the_graph_carries_evidence_on_every_edge():
    ok = {"http.response.status_code": 200}
    with open_store() as store:
        inbox = Inbox(store)
        inbox.take_spans(span("web", 1, attributes=ok), span("cart", 2, 1, SERVER, attributes=ok))
        inbox.count_spans()
        (edge,) = graph(store.cursor(), T0 // SECOND, T0 // SECOND + 10).edges

    assert edge.evidence.reporters == ("source", "destination")
    assert edge.evidence.counted_by == ("spans",)
    assert (edge.requests, edge.attempts, edge.actual_error_ratio) == (1, 1, 0.0)


@pytest.mark.parametrize("signal", ["istio", "spans"])
def test_a_twin_never_counts(signal):
    edge = BACKEND.__class__("source", "a", "b", "", "", 200, "-", "none", signal)

    assert edge.canonical
    assert not edge.as_evidence().canonical
    assert edge.as_evidence().as_evidence() == edge.as_evidence()
