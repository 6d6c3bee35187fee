from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.budget import Counts, budget, error_budget
from tests.slo.strategies import COUNTS, TARGETS


@pytest.mark.parametrize(
    ("counts", "target", "allowed", "remaining_ratio"),
    [
        (Counts(1_000_000, 1_000_000), "0.999", 1000, 1),
        (Counts(999_500, 1_000_000), "0.999", 1000, Fraction(1, 2)),
        (Counts(999_000, 1_000_000), "0.999", 1000, 0),
        (Counts(995_000, 1_000_000), "0.999", 1000, -4),
        (Counts(0, 10), "0", 10, 0),
    ],
)
def test_a_budget_is_counted_in_events(counts, target, allowed, remaining_ratio):
    left = budget(counts, Decimal(target))
    assert left.allowed == allowed
    assert left.remaining_ratio == remaining_ratio


def test_no_events_have_no_ratio_and_exhaust_nothing():
    nothing = Counts(0, 0)
    assert nothing.sli_ratio is None
    assert nothing.error_ratio is None
    assert budget(nothing, Decimal("0.999")).remaining_ratio is None
    assert not budget(nothing, Decimal("0.999")).is_exhausted


@pytest.mark.parametrize(("good", "total"), [(-1, 0), (2, 1), (0, -1)])
def test_more_good_than_total_is_refused(good, total):
    with pytest.raises(ValueError, match="0 <= good <= total"):
        Counts(good, total)


@pytest.mark.parametrize("target", ["1", "1.2", "-0.1", "99.9"])
def test_a_target_that_leaves_no_budget_is_refused(target):
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        error_budget(Decimal(target))


def test_an_error_budget_has_no_float_noise():
    assert error_budget(Decimal("0.999")) == Fraction(1, 1000)


@given(a=COUNTS, b=COUNTS, target=TARGETS)
def test_budgets_of_disjoint_windows_add_up(a, b, target):
    joined, one, other = (budget(counts, target) for counts in (a + b, a, b))
    assert joined.allowed == one.allowed + other.allowed
    assert joined.spent == one.spent + other.spent
    assert joined.remaining == one.remaining + other.remaining


@given(counts=COUNTS.filter(lambda c: c.total), target=TARGETS)
def test_the_spent_part_is_the_error_ratio_over_the_allowed_one(counts, target):
    spent_ratio = 1 - budget(counts, target).remaining_ratio
    assert spent_ratio == counts.error_ratio / error_budget(target)


@given(st.data())
def test_a_budget_is_exhausted_exactly_when_the_sli_is_at_or_below_the_target(data):
    counts = data.draw(COUNTS.filter(lambda c: c.total))
    target = data.draw(TARGETS)
    assert budget(counts, target).is_exhausted == (counts.sli_ratio <= Fraction(target))
