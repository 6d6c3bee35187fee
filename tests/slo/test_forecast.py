from decimal import Decimal
from fractions import Fraction

import pytest

from slo.budget import Counts, budget
from slo.forecast import time_to_exhaustion_s
from tests.slo.strategies import MONTH_S

HALF_LEFT = budget(Counts(999_500, 1_000_000), Decimal("0.999"))
SPENT = budget(Counts(998_000, 1_000_000), Decimal("0.999"))
NO_EVENTS = budget(Counts(0, 0), Decimal("0.999"))


@pytest.mark.parametrize(
    ("left", "burn", "covered_s", "seconds"),
    [
        (HALF_LEFT, Fraction(15), MONTH_S, 86_400),
        (HALF_LEFT, Fraction(1), MONTH_S, MONTH_S // 2),
        (HALF_LEFT, Fraction(1), 3_600, 1_800),
        (HALF_LEFT, Fraction(1, 10), MONTH_S, None),
        (HALF_LEFT, Fraction(0), MONTH_S, None),
        (HALF_LEFT, None, MONTH_S, None),
        (SPENT, Fraction(5), MONTH_S, 0),
        (SPENT, None, MONTH_S, 0),
        (NO_EVENTS, None, 0, None),
    ],
    ids=[
        "half a month's budget at 15x lasts a day",
        "half of it at 1x lasts half the window",
        "a budget of one measured hour is an hour's",
        "old trouble leaves the window first",
        "nothing burns",
        "nothing is measured now",
        "it is gone",
        "it is gone, measured now or not",
        "there never was any event",
    ],
)
def test_a_budget_ends_when_the_present_burn_has_used_it(left, burn, covered_s, seconds):
    found = time_to_exhaustion_s(left, burn, covered_s=covered_s, period_s=MONTH_S)
    assert found == seconds
