"""Laws of the tier split."""

from hypothesis import given
from hypothesis import strategies as st

from collector.store.tiers import TIERS_S, split

TIMES = st.integers(0, 20_000)


def buckets_of(parts):
    return [
        bucket
        for part in parts
        for start in range(part.from_s, part.to_s, TIERS_S[part.tier])
        for bucket in range(start, start + TIERS_S[part.tier], 10)
    ]


@given(TIMES, TIMES)
def test_the_parts_hold_exactly_the_ten_second_buckets_of_the_window(from_s, to_s):
    expected = [bucket for bucket in range(0, 20_000, 10) if from_s <= bucket < to_s]

    assert buckets_of(split(from_s, to_s)) == expected


@given(TIMES, TIMES)
def test_every_part_is_aligned_to_its_tier(from_s, to_s):
    for part in split(from_s, to_s):
        assert part.from_s % TIERS_S[part.tier] == part.to_s % TIERS_S[part.tier] == 0


@given(TIMES, TIMES, st.integers(1, 1000).map(lambda n: n * 10))
def test_no_bucket_straddles_a_step(from_s, to_s, step_s):
    for part in split(from_s, to_s, step_s=step_s):
        length = TIERS_S[part.tier]
        first = -(-from_s // 10) * 10
        for start in range(part.from_s, part.to_s, length):
            assert (start - first) // step_s == (start + length - 10 - first) // step_s


def test_a_month_is_read_in_hours_with_a_rim_of_minutes_and_ten_seconds():
    tiers = [part.tier for part in split(1_000_000_050, 1_000_000_050 + 30 * 86_400)]

    assert tiers == ["10s", "1m", "1h", "1m", "10s"]


def test_an_empty_or_backward_window_has_no_parts():
    assert split(100, 100) == split(200, 100) == []
