"""What an incident cost, against counting by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.incidents.impact import concerned, impacts, whole_minutes
from collector.store.store import open_store
from slo.corrections import Correction
from slo.sources.counting import Counting
from tests.collector.rollups import put
from tests.dashboards.web.failing_shop import edge
from tests.dashboards.web.seeded import availability

T0 = 1_800_000_000
SLO = availability("cart-availability", "cart", "0.9")


@given(st.floats(T0 - 1e6, T0 + 1e6), st.floats(0, 1e5))
def test_a_span_of_whole_minutes_is_the_smallest_around_it(from_s, length):
    first, last = whole_minutes(from_s, from_s + length)
    assert first % 60 == last % 60 == 0
    assert first <= from_s < first + 60
    assert last >= from_s + length
    assert last - first == 60 or last - 60 < from_s + length


@pytest.fixture
def store():
    """A good minute, two bad ones with a gap, and a good one."""
    with open_store() as opened:
        put(opened, edge("web", "cart"), 1, [(T0 + at, 10, 10) for at in range(0, 240, 60)])
        put(opened, edge("web", "cart", 503), 2, [(T0 + 60, 4, 4), (T0 + 130, 6, 6)])
        put(opened, edge("web", "pay", 503), 3, [(T0 + 60, 99, 99)])
        yield opened


def cost(store, from_s, to_s, corrections=()):
    with store.snapshot() as cursor:

        def source(spans):
            return Counting().source(cursor, to_s, spans)

        (found,) = impacts([SLO], source, (from_s, to_s), corrections)
    return found


def test_the_cost_is_the_bad_events_of_the_span_over_the_budget_of_the_window(store):
    found = cost(store, T0 + 60, T0 + 180)
    assert (found.good, found.total, found.bad) == (20, 30, 10)
    assert found.budget_events == pytest.approx(4.0), "a tenth of the 40 events until the end"
    assert found.budget_burnt_ratio == pytest.approx(2.5)
    assert found.budget_remaining_ratio == pytest.approx(-1.5)


def test_a_span_without_events_has_no_ratio(store):
    found = cost(store, T0 + 600, T0 + 660)
    assert (found.bad, found.sli_ratio) == (0, None)
    assert found.budget_burnt_ratio == 0


def test_what_a_correction_excludes_costs_nothing(store):
    excluded = Correction("1", ("cart-availability",), T0 + 60, T0 + 120, "ann", "why", T0)
    assert cost(store, T0 + 60, T0 + 180, [excluded]).bad == 6


def test_objectives_of_the_services_and_those_that_are_named_are_concerned():
    others = [SLO, availability("pay", "pay"), availability("web", "web")]
    assert [one.name for one in concerned(others, ["cart"], ["web"])] == [SLO.name, "web"]
    assert SLO.objective.target == Decimal("0.9")
