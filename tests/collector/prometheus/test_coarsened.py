"""Regions told more coarsely: the same time, without gaps, by tiers that have it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.prometheus.grid import coarsened, grid, regions
from collector.store.tiers import TIERS_S

HOUR_S = 3600
END_S = 1_800_000_000 // 10 * 10
FIRSTS = st.fixed_dictionaries(
    {
        "10s": st.integers(0, 8640).map(lambda n: END_S - 10 * n),
        "1m": st.integers(0, 20_000).map(lambda n: (END_S - 60 * n) // 60 * 60),
        "1h": st.integers(0, 1000).map(lambda n: (END_S - HOUR_S * n) // HOUR_S * HOUR_S),
    }
)
KEPT = st.fixed_dictionaries(
    {}, optional={"10s": st.integers(0, 2 * 86_400), "1m": st.integers(0, 10 * 86_400)}
)


@given(FIRSTS, KEPT)
def test_they_cover_the_same_time_and_each_begins_where_the_last_ended(firsts, kept_s):
    fine = regions(firsts, END_S)
    found = coarsened(fine, kept_s)
    if fine:
        assert fine[0].from_s - HOUR_S < found[0].from_s <= fine[0].from_s
        assert found[-1].to_s == fine[-1].to_s
    assert all(a.to_s == b.from_s for a, b in pairwise(found))
    for span in found:
        assert span.from_s % TIERS_S[span.tier] == 0
        assert span.tier not in kept_s or END_S - span.from_s < kept_s[span.tier] + HOUR_S


@given(FIRSTS, KEPT)
def test_they_have_fewer_samples_and_none_at_another_time_but_before_all(firsts, kept_s):
    fine = regions(firsts, END_S)
    window = (END_S - 3 * 86_400) * 1000, END_S * 1000
    told, all_ = (
        set(grid(spans, *window, END_S * 1000).times_ms.tolist())
        for spans in (coarsened(fine, kept_s), fine)
    )
    begin_ms = fine[0].from_s * 1000 if fine else 0
    assert {at for at in told if at >= begin_ms} <= all_


def test_nothing_named_changes_nothing():
    fine = regions({"10s": END_S - 100, "1m": END_S - 86_400, "1h": None}, END_S)
    assert coarsened(fine, {}) == fine
    assert coarsened([], {"10s": 60}) == []
