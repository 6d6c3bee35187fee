"""Sampling at the sealing: what stays, why, and what it never touches."""

import pytest

from collector.otlp.traces import decode_traces
from collector.otlp.tracestate import STATED
from collector.sampling import AttributeRule, SamplingPolicy
from collector.store import reader
from collector.store.traces import trace
from collector.store.writer import Writer, WriterLimits
from tests.collector.exports import T0, span_request
from tests.collector.rollups import BACKEND, put
from tests.collector.spans import HOUR, every_span, kept, put_spans, rows, seal, some_traces, span


@pytest.fixture
def store(sealable):
    return sealable


def test_sampling_keeps_what_matters_and_says_why(store):
    put_spans(
        store,
        [
            span(1),
            span(2, service=2),
            span(3, is_error=True),
            span(4, service=1, duration_ns=5_000_000),
            span(5, attributes={"debug": True}),
            span(6, service=0, duration_ns=5_000_000),  # slow for cart only
        ],
    )
    policy = SamplingPolicy(
        slow_quantile=None,
        slow_ns_by_service={"cart": 5_000_000},
        critical_services=frozenset({"payment"}),
        attributes=(AttributeRule("debug", value=True),),
        baseline_ratio=0,
    )
    seal(store, sampling=policy)

    assert kept(store) == {2: "critical_service", 3: "error", 4: "latency", 5: "attribute"}
    dropped = store.cursor().execute("SELECT service, traces, spans FROM sampled_out").fetchall()
    assert dropped == [("frontend", 2, 2)]


def test_a_trace_is_judged_by_all_its_spans_even_those_of_the_next_hour(store):
    put_spans(store, [span(1), span(1, number=1, at_ns=HOUR, is_error=True)])
    seal(store, sampling=SamplingPolicy(baseline_ratio=0))

    assert kept(store) == {1: None} | {1: "error"}
    assert trace(store, 1, 77)["keep_reason"].to_pylist() == ["error", None]


def test_late_spans_follow_the_decision_on_their_trace(store, clock):
    policy = SamplingPolicy(slow_quantile=None, baseline_ratio=0)
    put_spans(store, [span(1), span(2, is_error=True)])
    seal(store, sampling=policy)
    put_spans(store, [span(1, number=1, is_error=True), span(2, number=1)])
    clock.now_ns += HOUR
    seal(store, sampling=policy)

    assert trace(store, 2, 77)["keep_reason"].to_pylist() == ["error", "error"]
    assert len(trace(store, 1, 77)) == 0
    total = "SELECT sum(traces), sum(spans) FROM sampled_out"
    assert store.cursor().execute(total).fetchone() == (1, 2)


def test_decisions_are_forgotten_after_their_ttl(store, clock):
    policy = SamplingPolicy(slow_quantile=None, baseline_ratio=0)
    put_spans(store, [span(1)])
    seal(store, sampling=policy)
    clock.now_ns += 7 * HOUR
    seal(store, sampling=policy)

    assert rows(store, "sampling_decisions") == 0


def test_spans_later_than_the_ttl_follow_what_is_still_known_or_are_judged_anew(store, clock):
    policy = SamplingPolicy(slow_quantile=None, baseline_ratio=0)
    put_spans(store, [span(1), span(2, is_error=True)])
    seal(store, sampling=policy)
    clock.now_ns += 8 * HOUR
    seal(store, sampling=policy)
    assert rows(store, "sampling_decisions") == 0
    put_spans(store, [span(2, number=1), span(1, number=1, is_error=True), span(3)])
    seal(store, sampling=policy)

    assert trace(store, 2, 77)["keep_reason"].to_pylist() == ["error", "error"]
    assert trace(store, 1, 77)["keep_reason"].to_pylist() == ["error"], "nothing told of it"
    assert len(trace(store, 3, 77)) == 0


def test_a_trace_sealed_before_there_was_sampling_is_kept_whole(store, clock):
    put_spans(store, [span(1)])
    seal(store)
    clock.now_ns += 2 * HOUR
    put_spans(store, [span(1, number=1)])
    seal(store, sampling=SamplingPolicy(slow_quantile=None, baseline_ratio=0))

    assert trace(store, 1, 77)["keep_reason"].to_pylist() == ["all", "all"]


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_sampling_never_touches_an_sli(store, ratio):
    put(store, BACKEND, 1, [(T0 // 10**9, 100, 100)], [(T0 // 10**9, 40, 100)])
    put_spans(store, some_traces())
    before = reader.edge_counts(store.cursor(), 0, 2**40).to_pylist()
    seal(store, sampling=SamplingPolicy(baseline_ratio=ratio, keep_errors=False))

    assert reader.edge_counts(store.cursor(), 0, 2**40).to_pylist() == before
    assert len(every_span(store)) == (60 if ratio else 0)


def test_a_head_sampled_span_says_how_many_it_stands_for_hot_and_sealed(store):
    body = span_request(trace_state="ot=th:c", trace_id=b"\x07" * 16)
    writer = Writer(store, limits=WriterLimits(window_s=0))
    writer.submit(decode_traces(body), b"1").result(30)
    writer.close()
    ids = (int.from_bytes(b"\x07" * 8, "big"),) * 2

    for _ in range(2):
        (row,) = trace(store, *ids).to_pylist()
        assert (row["adjusted_count"], row["adjusted_origin"]) == (4.0, STATED)
        seal(store)
