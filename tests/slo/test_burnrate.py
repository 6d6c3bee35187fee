"""Golden numbers: The Site Reliability Workbook, chapter 5, and what follows from them."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from slo.budget import Counts, budget, error_budget
from slo.burnrate import (
    MIN_BAD_EVENTS,
    burn_rate,
    detection_s,
    factor,
    is_fireable,
    judge,
    tiers_within,
    unfireable,
)
from slo.windows import google_30d
from tests.slo.strategies import COUNTS, MONTH_S, TARGETS

THREE_NINES = Decimal("0.999")
HOUR_PAGE = google_30d()[0]


@pytest.mark.parametrize(
    ("days", "factors"),
    [
        (30, ("14.4", "6", "3", "1")),
        (28, ("13.44", "5.6", "2.8", "0.9333333333333333")),
        (7, ("3.36", "1.4", "0.7", "0.2333333333333333")),
    ],
)
def test_factors_follow_from_the_part_of_the_budget_for_any_period(days, factors):
    computed = [factor(tier.budget_ratio, days * 86_400, tier.long_s) for tier in google_30d()]
    assert [float(value) for value in computed] == pytest.approx([float(text) for text in factors])


def test_the_factors_of_thirty_days_are_exact():
    computed = [factor(tier.budget_ratio, MONTH_S, tier.long_s) for tier in google_30d()]
    assert computed == [Fraction(72, 5), 6, 3, 1]


def test_short_windows_are_a_twelfth_of_the_long_ones():
    assert all(tier.long_s == 12 * tier.short_s for tier in google_30d())


@pytest.mark.parametrize(
    ("tier_factor", "highest_unfireable", "lowest_fireable"),
    [("14.4", "0.9305", "0.9306"), ("6", "0.8333", "0.8334"), ("3", "0.6666", "0.6667")],
)
def test_a_tier_cannot_fire_when_a_full_outage_stays_within_its_factor(
    tier_factor, highest_unfireable, lowest_fireable
):
    assert not is_fireable(Fraction(tier_factor), Decimal(highest_unfireable))
    assert is_fireable(Fraction(tier_factor), Decimal(lowest_fireable))


def test_unfireable_tiers_are_told_by_name():
    assert unfireable(google_30d(), Decimal("0.9"), MONTH_S) == ("page-1h",)
    assert unfireable(google_30d(), Decimal("0.8"), MONTH_S) == ("page-1h", "page-6h")
    assert unfireable(google_30d(), THREE_NINES, MONTH_S) == ()


@pytest.mark.parametrize(
    ("target", "minutes"),
    [("0.999", (0.864, 2.16, 4.32, 4.32)), ("0.99", (8.64, 21.6, 43.2, 43.2))],
)
def test_a_full_outage_reaches_each_long_window_after_factor_times_budget_times_window(
    target, minutes
):
    found = [
        float(detection_s(factor(t.budget_ratio, MONTH_S, t.long_s), Decimal(target), t.long_s))
        / 60
        for t in google_30d()
    ]
    assert found == pytest.approx(minutes)


def _judge(long, short, target=THREE_NINES, min_bad_events=MIN_BAD_EVENTS):
    return judge(
        HOUR_PAGE,
        long=long,
        short=short,
        target=target,
        period_s=MONTH_S,
        min_bad_events=min_bad_events,
    )


BURNING = Counts(9_800, 10_000)
EXACTLY = Counts(9_856, 10_000)
WELL = Counts(10_000, 10_000)
NOTHING = Counts(0, 0)


@pytest.mark.parametrize(
    ("long", "short", "fires"),
    [
        (BURNING, BURNING, True),
        (BURNING, WELL, False),
        (WELL, BURNING, False),
        (EXACTLY, BURNING, False),
        (BURNING, EXACTLY, False),
        (NOTHING, NOTHING, False),
        (BURNING, NOTHING, False),
    ],
    ids=[
        "both windows exceed",
        "the trouble is over",
        "the trouble is young",
        "the long window burns at the factor, not above it",
        "the short window burns at the factor, not above it",
        "there are no events",
        "there are no events any more",
    ],
)
def test_a_tier_fires_only_when_long_and_short_exceed(long, short, fires):
    assert _judge(long, short).is_firing is fires


def test_one_failure_at_night_wakes_nobody_and_ten_do():
    assert not _judge(Counts(19, 20), Counts(0, 1)).is_firing
    assert _judge(Counts(19, 20), Counts(0, 1), min_bad_events=1).is_firing
    assert _judge(Counts(0, 10), Counts(0, 10)).is_firing


def test_no_events_have_no_burn_rate():
    assert burn_rate(NOTHING, THREE_NINES) is None
    assert _judge(NOTHING, NOTHING).long_burn is None


def test_tiers_longer_than_the_period_are_left_out():
    assert [tier.name for tier in tiers_within(google_30d(), 86_400)] == ["page-1h", "page-6h"]


@given(target=TARGETS)
def test_burning_at_one_over_the_whole_window_spends_exactly_the_budget(target):
    total = error_budget(target).denominator
    counts = Counts(total - error_budget(target).numerator, total)
    assert burn_rate(counts, target) == 1
    assert budget(counts, target).remaining == 0


@given(counts=COUNTS, target=TARGETS)
def test_an_unfireable_tier_never_fires(counts, target):
    for tier in google_30d():
        verdict = judge(tier, long=counts, short=counts, target=target, period_s=MONTH_S)
        assert verdict.is_fireable or not verdict.is_firing


@given(counts=COUNTS, target=TARGETS)
def test_a_larger_part_of_the_budget_never_fires_sooner(counts, target):
    def fires(tier):
        return judge(tier, long=counts, short=counts, target=target, period_s=MONTH_S).is_firing

    relaxed = replace(HOUR_PAGE, budget_ratio=HOUR_PAGE.budget_ratio * 2)
    assert fires(HOUR_PAGE) or not fires(relaxed)
