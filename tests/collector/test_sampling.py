"""Which traces are kept, and why."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.sampling import (
    DROPPED,
    REASONS,
    InvalidPolicy,
    SamplingPolicy,
    TraceColumns,
    decide,
)

SECOND = 10**9
NOTHING = SamplingPolicy(keep_errors=False, slow_quantile=None, baseline_ratio=0)
FLAGS = ("has_error", "is_critical", "has_slow_span", "has_attribute")


def traces(count, **columns):
    """Return plain traces, all alike but for what is given."""
    plain = {
        "key": np.arange(count, dtype=np.uint64),
        "start_ns": np.zeros(count, dtype=np.int64),
        "duration_ns": np.zeros(count, dtype=np.int64),
        "service": np.zeros(count, dtype=np.int64),
        **{flag: np.zeros(count, dtype=bool) for flag in FLAGS},
    }
    return TraceColumns(**plain | {name: np.asarray(one) for name, one in columns.items()})


def reasons(found):
    return [REASONS[number] for number in found.reason]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ((), "baseline"),
        (("has_attribute",), "attribute"),
        (("has_attribute", "has_slow_span"), "latency"),
        (("has_attribute", "has_slow_span", "has_error"), "error"),
        (FLAGS, "critical_service"),
    ],
)
def test_the_first_rule_that_matches_is_the_reason(flags, reason):
    found = decide(
        traces(1, **dict.fromkeys(flags, np.array([True]))), SamplingPolicy(baseline_ratio=1)
    )

    assert reasons(found) == [reason]
    assert found.keep_ratio.tolist() == [1.0]


def test_errors_are_kept_only_if_the_policy_says_so():
    assert reasons(decide(traces(1, has_error=[True]), NOTHING)) == ["dropped"]


def test_the_slowest_of_each_service_are_kept():
    duration_ns = np.concatenate([np.arange(100), np.arange(100) * 1000]).astype(np.int64)
    policy = SamplingPolicy(keep_errors=False, slow_quantile=0.95, baseline_ratio=0)
    found = decide(traces(200, duration_ns=duration_ns, service=np.repeat([0, 1], 100)), policy)

    kept = np.flatnonzero(found.reason != DROPPED)
    assert kept.tolist() == [95, 96, 97, 98, 99, 195, 196, 197, 198, 199]
    assert set(reasons(found)) == {"dropped", "latency"}


def test_of_traces_that_take_equally_long_none_is_slow():
    found = decide(traces(100), SamplingPolicy(baseline_ratio=0))

    assert set(reasons(found)) == {"dropped"}


@pytest.mark.parametrize("ratio", [0.01, 0.05, 0.5])
def test_the_baseline_is_a_fair_share_that_weighs_up_to_the_whole(ratio):
    found = decide(traces(100_000), SamplingPolicy(slow_quantile=None, baseline_ratio=ratio))

    kept = found.reason != DROPPED
    assert np.sum(1 / found.keep_ratio[kept]) == pytest.approx(100_000, rel=0.1)


def test_the_baseline_is_independent_of_what_head_sampling_chose():
    chosen = np.uint64(2**64 - 2**58) + np.arange(50_000, dtype=np.uint64)
    found = decide(
        traces(50_000, key=chosen), SamplingPolicy(slow_quantile=None, baseline_ratio=0.1)
    )

    assert np.mean(found.reason != DROPPED) == pytest.approx(0.1, abs=0.01)


def test_a_larger_baseline_keeps_what_a_smaller_one_did():
    kept = [
        decide(traces(10_000), SamplingPolicy(slow_quantile=None, baseline_ratio=ratio)).reason > 0
        for ratio in (0.0, 0.01, 0.05, 1.0)
    ]

    assert not kept[0].any()
    assert kept[3].all()
    assert not (kept[1] & ~kept[2]).any()


def test_the_rate_limit_cuts_by_reason_and_spares_critical_services():
    policy = SamplingPolicy(slow_quantile=None, baseline_ratio=1, max_traces_per_s=3)
    found = decide(
        traces(8, is_critical=[True] * 2 + [False] * 6, has_error=[False] * 6 + [True] * 2), policy
    )

    assert reasons(found)[:2] == ["critical_service"] * 2
    assert reasons(found)[6:] == ["error"] * 2
    assert reasons(found)[2:6].count("baseline") == 1
    assert found.keep_ratio[found.reason == REASONS.index("baseline")].tolist() == [0.25]


def test_a_rate_below_one_a_second_counts_over_longer_times():
    start_ns = np.arange(100, dtype=np.int64) * SECOND
    policy = SamplingPolicy(slow_quantile=None, baseline_ratio=1, max_traces_per_s=0.1)
    found = decide(traces(100, start_ns=start_ns), policy)

    kept = np.flatnonzero(found.reason != DROPPED)
    assert (kept // 10).tolist() == list(range(10))


columns = st.lists(
    st.tuples(
        st.integers(0, 2**64 - 1),
        st.integers(0, 3 * SECOND),
        st.integers(0, 5),
        st.integers(0, 2),
        *[st.booleans()] * 4,
    ),
    max_size=30,
    unique_by=lambda row: row[0],
)
policies = st.builds(
    SamplingPolicy,
    keep_errors=st.booleans(),
    slow_quantile=st.none() | st.floats(0.01, 0.99),
    baseline_ratio=st.floats(0, 1),
    max_traces_per_s=st.none() | st.floats(0.1, 10),
)


def of_rows(rows):
    names = ("key", "start_ns", "duration_ns", "service", *FLAGS)
    types = (np.uint64, *[np.int64] * 3, *[bool] * 4)
    values = list(zip(*rows, strict=True)) or [()] * len(names)
    return TraceColumns(
        **{name: np.array(v, t) for name, v, t in zip(names, values, types, strict=True)}
    )


@given(columns, policies, st.randoms())
def test_the_order_of_the_traces_does_not_matter(rows, policy, random):
    shuffled = random.sample(rows, len(rows))
    one, other = decide(of_rows(rows), policy), decide(of_rows(shuffled), policy)

    def by_key(rows, found):
        return {row[0]: pair for row, pair in zip(rows, zip(*found, strict=True), strict=True)}

    assert by_key(rows, (one.reason.tolist(), one.keep_ratio.tolist())) == by_key(
        shuffled, (other.reason.tolist(), other.keep_ratio.tolist())
    )


@given(columns, policies)
def test_a_limit_only_takes_away_and_ratios_are_chances(rows, policy):
    found = decide(of_rows(rows), policy)
    kept = found.reason != DROPPED

    assert ((found.keep_ratio > 0) | ~kept).all()
    assert (found.keep_ratio <= 1).all()
    assert (kept | ~np.array([row[5] for row in rows], dtype=bool)).all()  # critical


@pytest.mark.parametrize(
    "wrong",
    [
        {"baseline_ratio": 1.5},
        {"baseline_ratio": float("nan")},
        {"slow_quantile": 1},
        {"max_traces_per_s": 0},
        {"slow_ns": -1},
        {"slow_ns_by_service": {"cart": -1}},
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(wrong):
    with pytest.raises(InvalidPolicy, match=next(iter(wrong)).removesuffix("_by_service")):
        SamplingPolicy(**wrong)
