"""What a tracestate says of head sampling, after the OpenTelemetry specification."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.otlp.tracestate import (
    MALFORMED,
    STATED,
    UNSAID,
    adjusted_count,
    with_adjusted_counts,
)


@pytest.mark.parametrize(
    ("trace_state", "count"),
    [
        ("ot=th:0", 1.0),  # 100 %
        ("ot=th:8", 2.0),  # 50 %: 8 stands for 80000000000000
        ("ot=th:80000000000000", 2.0),
        ("ot=th:c", 4.0),
        ("ot=th:C", 4.0),  # both cases of a digit
        ("ot=th:e66", 10.0),
        ("ot=th:fd70a4", 100.0),
        ("ot=th:ffffffffffffff", 2.0**56),  # the least probability that can be said
        ("ot=th:00000000000001", 1.0),  # the least rejection
        ("ot=rv:c0ffee00c0ffee;th:8", 2.0),
        ("ot=th:8;rv:c0ffee00c0ffee", 2.0),
        ("vendor=x,ot=th:8", 2.0),
        ("vendor=x , \tot=th:8 ", 2.0),  # optional white space around members
        ("ot=th:8,ot=th:c", 2.0),  # the first is the newest
    ],
)
def test_a_threshold_gives_the_adjusted_count(trace_state, count):
    found = adjusted_count(trace_state)

    assert found.origin == STATED
    assert found.count == pytest.approx(count, rel=1e-3)


@pytest.mark.parametrize(
    "trace_state",
    [
        "",
        "vendor=th:8",
        "ot=rv:c0ffee00c0ffee",  # randomness without a threshold: the probability is unknown
        "ot=",
        "ot",
        "tenant@ot=th:8",  # the entry of a tenant is not OpenTelemetry's
        "OT=th:8",  # keys have small letters
        "ot=TH:8",
        "ot=p:8;r:62",  # the fields of the older draft
        ",,,",
    ],
)
def test_without_a_threshold_a_span_counts_once_and_says_so(trace_state):
    assert (adjusted_count(trace_state).count, adjusted_count(trace_state).origin) == (1.0, UNSAID)


@pytest.mark.parametrize(
    "trace_state",
    [
        "ot=th:",
        "ot=th",
        "ot=th:g",
        "ot=th:-1",
        "ot=th:0x8",
        "ot=th:8 0",
        "ot=th:100000000000000",  # 15 digits: more than 56 bits
        "ot=th:8;th:c",  # keys are unique
        "ot=th:\uff18",  # a digit, but no ASCII one
        "ot=th:8;x:" + "y" * 256,  # an entry has at most 256 characters
    ],
)
def test_a_threshold_that_is_none_counts_once_and_is_flagged(trace_state):
    found = adjusted_count(trace_state)

    assert (found.count, found.origin) == (1.0, MALFORMED)


@given(st.integers(0, 2**56 - 1))
def test_trailing_zeros_say_nothing_and_the_count_is_the_inverse_probability(threshold):
    digits = f"{threshold:014x}"
    short = digits.rstrip("0") or "0"

    assert adjusted_count(f"ot=th:{digits}") == adjusted_count(f"ot=th:{short}")
    assert adjusted_count(f"ot=th:{short}").count == 2**56 / (2**56 - threshold)


@given(st.text(max_size=300))
def test_any_text_has_an_answer(trace_state):
    assert adjusted_count(trace_state).count >= 1


def test_columns_agree_with_the_function_for_one_state():
    states = ["", "ot=th:8", "ot=th:x", "ot=th:8"]
    spans = with_adjusted_counts(pa.table({"trace_state": states}))

    assert spans["adjusted_count"].to_pylist() == [1.0, 2.0, 1.0, 2.0]
    assert spans["adjusted_origin"].to_pylist() == [UNSAID, STATED, MALFORMED, STATED]


@pytest.mark.parametrize("states", [[], ["", ""]])
def test_spans_without_states_count_once(states):
    spans = with_adjusted_counts(pa.table({"trace_state": pa.array(states, pa.string())}))

    assert spans["adjusted_count"].to_pylist() == [1.0] * len(states)
