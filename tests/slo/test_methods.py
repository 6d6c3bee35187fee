"""Budgeting methods over rolling and calendar windows, against counts by hand: nothing differs."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slo.burndown import burndown
from slo.burnrate import Tier
from slo.calendars import Calendar
from slo.codes import Codes
from slo.evaluate import evaluate
from slo.model import (
    PARTS,
    AvailabilitySli,
    CodeSli,
    Composite,
    EdgeSelector,
    Member,
    Slices,
    TimeWindow,
)
from slo.replay import replay
from slo.sources.edges import EdgeCountSource
from slo.sources.fixed import FixedCountSource, FixedRow
from slo.sources.minutes import DAY_S, SETTLED_S, Days, MinuteSource
from slo.whatif import tape_for
from tests.slo.strategies import NOW_S, slo
from tests.slo.workloads import END_S, SEGMENTS, events, fill

CART = AvailabilitySli(EdgeSelector("cart"))
PAYMENTS = CodeSli(EdgeSelector("payments"), Codes.of(["4xx", "none"]), Codes.of(["4xx", "2xx"]))
TIERS = (Tier("page", 3600, 300, Decimal("0.5")), Tier("ticket", 7200, 1800, Decimal("0.2")))
WALL = datetime.fromisoformat
HOUR_S = NOW_S // 3600 * 3600
ROWS = st.lists(
    st.builds(
        FixedRow,
        bucket_s=st.integers(0, 1300).map(lambda n: HOUR_S - 6500 + n * 10 - (HOUR_S - 6500) % 10),
        destination=st.sampled_from(["cart", "payments"]),
        requests=st.integers(1, 1000) | st.integers(10**9, 10**12),
        code=st.sampled_from([200, 404, 503, 0]),
    ),
    max_size=25,
)
SLICE_S = st.sampled_from([60, 120, 300, 3600])
WINDOWS = st.sampled_from(
    [
        TimeWindow(6 * 3600),
        TimeWindow(6 * 3600 - 70),
        TimeWindow(86_400, Calendar(WALL("2020-01-01 00:00"), "Asia/Kathmandu", 1, "d")),
        TimeWindow(7200, Calendar(WALL("2020-01-01 00:20"), "UTC", 2, "h")),
    ]
)
MONTH = TimeWindow(30 * 86_400, Calendar(WALL("2020-01-01 00:00"), "Europe/Berlin", 1, "M"))
TO_S = st.integers(-600, 700).map(lambda n: HOUR_S + 10 * n)


def by_hand(rows, sli, from_s, to_s):
    """Count one indicator by loops over events and slices, in ints and Fractions."""
    match sli:
        case Slices():
            good = total = 0
            for end in range(from_s - from_s % sli.seconds, to_s + 1, sli.seconds):
                if from_s < end <= to_s:
                    ok, all_ = by_hand(rows, sli.of, end - sli.seconds, end)
                    if all_ and sli.target is None:
                        good += int(Fraction(ok, all_) * PARTS)
                        total += PARTS
                    elif all_:
                        good += Fraction(ok, all_) >= Fraction(sli.target)
                        total += 1
            return good, total
        case _:
            found = [r for r in rows if from_s <= r.bucket_s < to_s]
            found = [r for r in found if r.destination == sli.edges.destination]
            if sli == PAYMENTS:
                found = [r for r in found if r.code in {200, 404}]
                return sum(r.requests for r in found if r.code == 200), _all(found)
            return sum(r.requests for r in found if r.code in {200, 404}), _all(found)


def _all(rows):
    return sum(r.requests for r in rows)


def _objective(sli, window, target="0.95"):
    return replace(slo(target=target), sli=sli, window=window, tiers=TIERS)


def _firing(rows, sli, to_s, window_s, target):
    """Judge the tiers by hand: slices are judged whole, of events ten must be bad."""
    least = 1 if isinstance(sli, Slices) else 10
    found = []
    for tier in TIERS:
        limit = Fraction(tier.budget_ratio) * window_s / tier.long_s * (1 - Fraction(target))
        pairs = [by_hand(rows, sli, to_s - s, to_s) for s in (tier.long_s, tier.short_s)]
        over = all(total and Fraction(total - good, total) > limit for good, total in pairs)
        found.append(bool(over and pairs[0][1] - pairs[0][0] >= least))
    return [one for one, tier in zip(found, TIERS, strict=True) if tier.long_s < window_s]


LAW = settings(max_examples=40, deadline=None)
SLIS = st.one_of(
    st.sampled_from([CART, PAYMENTS]),
    st.builds(
        Slices,
        st.sampled_from([CART, PAYMENTS]),
        SLICE_S,
        st.none() | st.sampled_from([Decimal("0.5"), Decimal("0.999"), Decimal(1)]),
    ),
)


@LAW
@given(
    rows=ROWS,
    sli=SLIS,
    window=WINDOWS | st.just(MONTH),
    to_s=TO_S,
    target=st.sampled_from(["0", "0.95", "0.9999"]),
)
def test_a_status_is_what_is_counted_by_hand(rows, sli, window, to_s, target):
    objective = _objective(sli, window, target)
    source = MinuteSource(FixedCountSource(rows), None, to_s)
    (status,) = evaluate([objective], source, to_s - 1)

    good, total = by_hand(rows, sli, window.from_s(to_s), to_s)
    assert (status.good, status.total) == (good, total)
    assert [rate.firing for rate in status.burn_rates] == _firing(
        rows, sli, to_s, window.seconds, target
    )
    allowed = (1 - Fraction(target)) * total
    left = float(1 - (total - good) / allowed) if total else None
    assert status.budget_remaining_ratio == left


@LAW
@given(rows=ROWS, sli=SLIS, window=WINDOWS, places=st.sets(TO_S, min_size=1, max_size=5))
def test_live_and_replayed_are_the_same(rows, sli, window, places):
    objective = _objective(sli, window)
    at_s = np.array(sorted(places), dtype=np.int64)
    source = MinuteSource(FixedCountSource(rows), None, int(at_s[-1]))
    found = replay(objective, tape_for(objective, source, at_s, TIERS, 10), at_s, TIERS)
    for place, at in enumerate(at_s.tolist()):
        (live,) = evaluate([objective], MinuteSource(FixedCountSource(rows), None, at), at - 1)
        counts = found.counts(place)
        assert (counts.good, counts.total) == (live.good, live.total)
        assert [bool(column[place]) for column in found.firing] == [
            rate.firing for rate in live.burn_rates
        ]
        assert found.exhausted()[place] == (live.state == "exhausted")


@LAW
@given(rows=ROWS, sli=SLIS, window=WINDOWS, to_s=TO_S)
def test_a_burndown_ends_where_the_status_is(rows, sli, window, to_s):
    objective = _objective(sli, window)
    source = MinuteSource(FixedCountSource(rows), None, to_s)
    (status,) = evaluate([objective], source, to_s - 1)
    series = burndown(objective, source, to_s - 1)
    assert (sum(series.good), sum(series.total)) == (status.good, status.total)
    assert series.budget_remaining[-1] == status.budget_remaining_ratio


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(segments=SEGMENTS, seconds=st.sampled_from([60, 300, 3600]), is_ratio=st.booleans())
def test_a_store_of_thirty_days_tells_the_same_slices(segments, seconds, is_ratio):
    rows = [
        FixedRow(at, "cart", quick + slow + failed, 200)
        for at, quick, slow, failed in events(segments)
        if quick + slow + failed
    ]
    sli = Slices(CART, seconds, None if is_ratio else Decimal("0.9"))
    window = (END_S - 29 * 86_400, END_S)
    with fill(events(segments)) as store:
        source = MinuteSource(EdgeCountSource(store.cursor()), None, END_S)
        ((found,),) = source.counts([sli], [window]).tolist()
        parts = source.counts([sli], [(window[0], END_S - 5000), (END_S - 5000, END_S)])
    good = total = 0
    counted = {}
    for at, quick, slow, failed in events(segments):
        if window[0] <= at < window[1]:
            ok, all_ = counted.get(at // seconds, (0, 0))
            counted[at // seconds] = ok + quick + slow, all_ + quick + slow + failed
    for ok, all_ in counted.values():
        if all_:
            total += PARTS if is_ratio else 1
            good += (
                int(Fraction(ok, all_) * PARTS)
                if is_ratio
                else Fraction(ok, all_) >= Fraction(9, 10)
            )
    assert found == [good, total]
    assert parts.sum(axis=1).tolist() == [found]
    assert rows or found == [0, 0]


def test_a_slice_of_a_month_is_bad_or_good_as_a_whole():
    rows = [FixedRow(HOUR_S - 3600 * n, "cart", 5, 503 if n < 3 else 200) for n in range(480)]
    sli = Slices(CART, 3600, Decimal("0.9"))
    source = MinuteSource(FixedCountSource(rows), None, HOUR_S + 3600)
    (status,) = evaluate([_objective(sli, MONTH)], source, HOUR_S + 3599)
    assert (status.bad, status.unit) == (3, "slices")
    assert status.total == min((HOUR_S + 3600 - status.from_s) // 3600, 480)
    assert status.end_s > HOUR_S


@LAW
@given(rows=ROWS, to_s=TO_S, weights=st.tuples(*[st.fractions(0, 3, max_denominator=4)] * 2))
def test_a_composite_counts_its_members_by_their_weight(rows, to_s, weights):
    members = tuple(Member(s, w) for s, w in zip((CART, PAYMENTS), weights, strict=True))
    composite = Composite(members)
    objective = _objective(composite, TimeWindow(6 * 3600))
    source = MinuteSource(FixedCountSource(rows), None, to_s)
    ((found,),) = source.counts([composite], [(to_s - to_s % 60 - 7200, to_s - to_s % 60)]).tolist()
    window = (to_s - to_s % 60 - 7200, to_s - to_s % 60)
    counted = [by_hand(rows, member.sli, *window) for member in members]
    bad = sum((a - g) * w for (g, a), w in zip(counted, weights, strict=True))
    total = sum(a for _, a in counted)
    parts = objective.parts_per_event
    assert found == [max(total - bad, 0) * parts, total * parts]


@LAW
@given(rows=ROWS, to_s=TO_S, is_ratio=st.booleans(), weight=st.fractions(0, 3, max_denominator=4))
def test_a_journey_is_bad_where_a_step_is_or_short_by_what_all_are(rows, to_s, is_ratio, weight):
    target = None if is_ratio else Decimal("0.9")
    steps = [Slices(sli, 120, target) for sli in (CART, PAYMENTS)]
    composite = Composite((Member(steps[0]), Member(steps[1], weight)))
    source = MinuteSource(FixedCountSource(rows), None, to_s)
    ((found,),) = source.counts([composite], [(to_s - 7200, to_s)]).tolist()
    good = total = 0
    for end in range(to_s - 7200 - (to_s - 7200) % 120, to_s + 1, 120):
        if not to_s - 7200 < end <= to_s:
            continue
        each = [by_hand(rows, sli, end - 120, end) for sli in steps]
        if not any(all_ for _, all_ in each):
            continue
        if is_ratio:
            short = each[0][1] - each[0][0]
            short += min(
                -(-(each[1][1] - each[1][0]) * weight.numerator // weight.denominator), PARTS
            )
            good, total = good + max(PARTS - short, 0), total + PARTS
        else:
            good, total = good + all(ok == all_ for ok, all_ in each), total + 1
    assert found == [good, total]


@pytest.mark.parametrize(("ago_days", "fresh_s"), [(1, 900), (9, 6 * 3600)])
def test_days_that_are_over_are_kept_and_read_anew_after_a_while(ago_days, fresh_s):
    day = HOUR_S // DAY_S * DAY_S - ago_days * DAY_S
    days, sli, window = Days(), Slices(CART, 3600, Decimal("0.9")), [(day, day + DAY_S)]

    def counted(code, later_s):
        rows = [FixedRow(day + 3600 * n, "cart", 1, code) for n in range(24)]
        now_s = day + DAY_S * ago_days + later_s
        source = MinuteSource(FixedCountSource(rows), None, now_s, days=days)
        return source.counts([sli], window)[0, 0].tolist()

    if ago_days == 1:
        assert counted(200, SETTLED_S) == [24, 24]
        first = SETTLED_S
    else:
        first = DAY_S
        assert counted(200, first) == [24, 24]
    assert counted(503, first + fresh_s) == [24, 24]
    assert counted(503, first + fresh_s + 10) == [0, 24]


def test_a_day_in_progress_is_always_read_anew():
    days, sli = Days(), Slices(CART, 3600, Decimal("0.9"))
    day = HOUR_S // DAY_S * DAY_S
    for code, good in ((200, 2), (503, 0)):
        rows = [FixedRow(day + 3600 * n, "cart", 1, code) for n in range(2)]
        source = MinuteSource(FixedCountSource(rows), None, day + DAY_S + SETTLED_S - 10, days=days)
        assert source.counts([sli], [(day, day + DAY_S)])[0, 0].tolist() == [good, 2]


def test_kept_days_are_bounded():
    days = Days(limit=2)
    for number in range(3):
        days.put(("a", number), 0, np.zeros((1, 2), dtype=np.int64))
    assert [days.get(("a", number), 0, 900) is None for number in range(3)] == [True, False, False]


@pytest.mark.parametrize("seconds", [0, 30, 90, -60])
def test_a_slice_that_is_no_whole_minutes_is_refused(seconds):
    with pytest.raises(ValueError, match="whole minutes"):
        Slices(CART, seconds)


def test_a_budget_of_slices_is_a_part_of_the_slices():
    source = MinuteSource(FixedCountSource([]), None, HOUR_S)
    (status,) = evaluate([_objective(Slices(CART, 60), TimeWindow(6 * 3600))], source, HOUR_S - 1)
    assert (status.state, status.sli_ratio) == ("no_data", None)
