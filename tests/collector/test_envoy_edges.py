"""The cases of a real mesh of Envoys: effective and actual success, from metrics and from spans."""

import pytest

from collector.otlp.traces import decode_traces
from collector.store.store import open_store
from collector.topology import graph
from tests.collector.exports import ENVOY, SECOND
from tests.collector.inbox import EVER, Inbox

EDGES = ENVOY / "edges"
BACKEND = ("frontend", "backend")


@pytest.fixture
def inbox():
    with open_store() as store:
        yield Inbox(store)


def bodies(case, signal):
    found = sorted((EDGES if case != "A-16" else ENVOY).glob(f"{case}-*__{signal}__*.pb"))
    assert found
    return [path.read_bytes() for path in found]


def spans_of(inbox, case):
    """Take the spans of a case and count them."""
    exports = bodies(case, "traces")
    start_ns = decode_traces(exports[0]).spans["start_ns"][0].as_py()
    inbox.take_spans(*exports, at_ns=start_ns)
    inbox.count_spans(start_ns + 120 * SECOND)


def shown(inbox):
    (edge,) = (e for e in graph(inbox.cursor, *EVER).edges if (e.source, e.destination) == BACKEND)
    return edge


@pytest.mark.parametrize(
    ("case", "effective", "actual"),
    [
        # (requests, failed), (attempts, arrived, failed of the attempts)
        ("A-03", (2, 0), (4, 4, 2)),
        ("B-03", (2, 0), (4, 4, 2)),
        ("A-04", (1, 1), (3, 3, 3)),
        ("A-05", (1, 1), (1, 1, 1)),
        ("A-07", (6, 5), (6, 1, 5)),
        ("A-09", (1, 0), (1, 1, 0)),
    ],
)
def test_spans_tell_effective_and_actual_success_apart(inbox, case, effective, actual):
    spans_of(inbox, case)
    edge = shown(inbox)

    assert (edge.requests, edge.errors) == effective
    assert (edge.attempts, edge.evidence.arrived) == actual[:2]
    assert edge.actual_error_ratio == pytest.approx(actual[2] / actual[0])
    assert edge.evidence.is_estimated


def test_retries_succeed_in_the_end_and_fail_at_the_callee(inbox):
    spans_of(inbox, "A-03")

    assert inbox.rows("code") == [(200, 2, 2), (503, 0, 2)]
    assert inbox.rows("reporter", "code", canonical=False)[:2] == [
        ("destination", 200, 2, 2),
        ("destination", 503, 2, 2),
    ]


def test_a_timeout_is_an_error_of_the_caller_and_a_reset_for_the_callee(inbox):
    spans_of(inbox, "A-05")

    assert inbox.rows("reporter", "code", "flags", canonical=False) == [
        ("destination", 0, "DR", 1, 1),
        ("source", 0, "-", 1, 1),
    ]


@pytest.mark.parametrize("case", ["A-10", "B-10"])
def test_a_mirrored_request_is_never_counted_in_spans(inbox, case):
    spans_of(inbox, case)

    assert inbox.rows("source", "destination", "version") == [("frontend", "backend", "v1", 1, 1)]
    assert shown(inbox).evidence.arrived == 2


def test_a_mirrored_request_is_never_counted_in_metrics(inbox):
    inbox.take(*bodies("B-99", "metrics"))

    assert inbox.rows("route", "code", "version") == [
        ("be-default", 403, "v1", 1, 0),
        ("be-mirror", 200, "v1", 1, 0),
    ]
    assert shown(inbox).evidence.arrived == 3


def test_breaker_rate_limit_and_denial_in_metrics(inbox):
    inbox.take(*bodies("A-09", "metrics"))

    assert inbox.rows("version", "code", "flags") == [
        ("cb", 200, "-", 1, 0),
        ("cb", 503, "UO", 5, 0),
        ("v1", 200, "-", 1, 0),
        ("v1", 403, "-", 1, 0),
        ("v1", 429, "-", 2, 0),
    ]
    edge = shown(inbox)
    assert (edge.requests, edge.errors, edge.evidence.arrived) == (10, 5, 5)
    assert edge.evidence.signals == ("sli", "envoy_cluster")


@pytest.mark.parametrize("with_metrics", [True, False])
def test_a_canary_of_twenty_requests(inbox, with_metrics):
    if with_metrics:
        inbox.take(*bodies("A-16", "metrics"))
    spans_of(inbox, "A-16")
    edge = shown(inbox)

    assert (edge.requests, edge.versions) == (20, {"v1": 18, "v2": 2})
    assert edge.evidence.is_estimated is not with_metrics
    assert (edge.evidence.spans, edge.evidence.span_coverage) == (20, 1.0 if with_metrics else None)


def test_metrics_and_spans_of_one_case_count_it_once(inbox):
    inbox.take(*bodies("A-09", "metrics"))
    spans_of(inbox, "A-09")

    assert shown(inbox).requests == 10
    assert shown(inbox).evidence.span_coverage == pytest.approx(0.1)
