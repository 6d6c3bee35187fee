import json
from dataclasses import asdict
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.evaluate import evaluate
from slo.sources.edges import EdgeCountSource
from slo.whatif import MAX_POINTS, OWN, Question, instants, target_of_percent, whatif
from slo.windows import google_30d, load_tiers
from tests.slo.strategies import MONTH_S, slo
from tests.slo.workloads import END_S, SEGMENTS, Segment, events, fill

STEADY = Segment(END_S - 6 * 86_400, 6 * 1440, 60, 0, 0, every_s=60)
OUTAGE = Segment(END_S - 86_400, 60, 0, 0, 10)
"""Six days of one request a second, and ten minutes of the same amount of failures."""


@pytest.fixture(scope="module")
def source():
    with fill(events([STEADY, OUTAGE])) as store:
        yield EdgeCountSource(store.cursor())


def _ask(source, **question):
    asked = Question(END_S - 3 * 86_400, END_S, **question)
    return whatif(
        slo(), source, asked, google_30d() if asked.profile == OWN else load_tiers(asked.profile)
    )


def test_an_outage_is_backtested_tier_by_tier(source):
    (found,) = _ask(source)
    by_tier = {firing.tier: firing for firing in found.firings}
    page = by_tier["page-1h"]
    # 14.4 x 0.1 % of the hour's requests have failed after 53 s; instants are minutes.
    assert page.from_s == OUTAGE.start_s + 60
    # the last 5 minutes hold no failure at 600 + 300 s after the start.
    assert page.to_s == OUTAGE.start_s + 900
    assert page.seconds == 840
    assert not page.is_open
    total = 5 * 86_400 + 120
    assert page.budget_spent_ratio == pytest.approx(60 / (total * 0.001), rel=1e-12)
    assert set(by_tier) == {"page-1h", "page-6h", "ticket-1d", "ticket-3d"}
    assert [tier.firings for tier in found.tiers] == [1, 1, 1, 1]
    assert found.exhausted_s > 0
    assert found.lowest_budget_ratio < 0


def test_other_targets_are_judged_on_the_same_counts(source):
    targets = (Decimal("0.9"), Decimal("0.99"), Decimal("0.9995"))
    found = _ask(source, targets=targets)
    assert [one.target for one in found] == [0.9, 0.99, 0.9995]
    assert len({(one.good, one.total) for one in found}) == 1
    fired = [sum(tier.firing_s for tier in one.tiers) for one in found]
    assert fired == sorted(fired)
    assert any("page-1h cannot fire" in note for note in found[0].notes)


def test_another_window_and_another_table_change_the_alerts(source):
    (short,) = _ask(source, window_s=86_400)
    assert [tier.tier for tier in short.tiers] == ["page-1h", "page-6h"]
    (calm,) = _ask(source, profile="three_x_30d")
    assert [(tier.tier, tier.factor) for tier in calm.tiers] == [("page-6h", 3), ("ticket-3d", 1)]


def test_an_alert_that_still_fires_is_open(source):
    asked = Question(END_S - 3 * 86_400, OUTAGE.start_s + 300)
    (found,) = whatif(slo(), source, asked, google_30d())
    assert all(firing.is_open for firing in found.firings)


def test_silence_has_no_ratio_and_no_alert():
    with fill([]) as store:
        (found,) = _ask(EdgeCountSource(store.cursor()))
    assert (found.total, found.sli_ratio, found.lowest_budget_ratio) == (0, None, None)
    assert found.firings == ()
    assert set(found.curve.budget_remaining) == {None}


@settings(max_examples=15, deadline=None)
@given(segments=SEGMENTS, target=st.sampled_from(["0", "0.9", "0.999"]))
def test_the_end_of_a_backtest_is_the_status_of_now(segments, target):
    objective = slo(target=target)
    with fill(events(segments)) as store:
        counts = EdgeCountSource(store.cursor())
        asked = Question(END_S - 86_400, END_S)
        (found,) = whatif(objective, counts, asked, google_30d())
        (live,) = evaluate([objective], counts, END_S - 1)
    assert (found.good, found.total) == (live.good, live.total)
    assert found.budget_remaining_ratio == live.budget_remaining_ratio
    assert found.curve.budget_remaining[-1] == live.budget_remaining_ratio
    still = {firing.tier for firing in found.firings if firing.is_open}
    names = [tier.tier for tier in found.tiers]
    firing = [rate.firing for rate in live.burn_rates]
    assert still == {name for name, fires in zip(names, firing, strict=True) if fires}
    json.dumps(asdict(found), allow_nan=False)
    assert len(found.curve.at_s) <= MAX_POINTS


@pytest.mark.parametrize(
    ("text", "target"), [("99.95", "0.9995"), ("99.9 %", "0.999"), ("1", "0.01")]
)
def test_targets_are_read_in_percent(text, target):
    assert target_of_percent(text) == Decimal(target)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("100", "leaves no error budget"),
        ("0.999", "in percent"),
        ("nan", "in percent"),
        ("101", "in percent"),
        ("high", "such as 99.95"),
    ],
)
def test_a_target_that_is_none_is_refused_with_the_reason(text, why):
    with pytest.raises(ValueError, match=why):
        target_of_percent(text)


def test_instants_are_multiples_of_their_distance():
    assert instants(100, 250, 60).tolist() == [120, 180, 240]
    assert instants(245, 250, 60).tolist() == [240]
    assert instants(END_S - MONTH_S, END_S, 60).size == 43_201
    with pytest.raises(ValueError, match="multiple of 10 s"):
        instants(0, 100, 15)
