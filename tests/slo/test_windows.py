from decimal import Decimal

from slo.windows import google_30d, never_firing
from tests.slo.strategies import slo


def test_the_published_table_is_read_as_it_was_published():
    rows = [(t.severity, t.long_s, t.short_s, t.budget_ratio) for t in google_30d()]
    assert rows == [
        ("page", 3_600, 300, Decimal("0.02")),
        ("page", 21_600, 1_800, Decimal("0.05")),
        ("ticket", 86_400, 7_200, Decimal("0.1")),
        ("ticket", 259_200, 21_600, Decimal("0.1")),
    ]


def test_objectives_with_tiers_that_never_fire_are_named():
    low = slo("best-effort", target="0.8")
    assert never_firing([slo(), low]) == [("best-effort", "page-1h, page-6h")]
