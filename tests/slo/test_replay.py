from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.burnrate import Tier
from slo.evaluate import evaluate
from slo.replay import exceeds, replay
from slo.sources.edges import EdgeCountSource
from slo.sources.fixed import FixedCountSource
from slo.tape import read_tape
from slo.whatif import bucket_s, instants, window_lengths
from slo.windows import google_30d
from tests.slo.strategies import NOW_S, ROWS, TARGETS, slo
from tests.slo.workloads import END_S, Segment, events, fill, forget

SHORT = (
    Tier("page", 3600, 300, Decimal("0.5")),
    Tier("page", 7200, 610, Decimal("0.01")),
    Tier("ticket", 86_400, 10, Decimal("0.1")),
)
"""Odd windows, and one tier whose long window is longer than the period."""
PERIOD_S = 6 * 3600
RATIOS = st.fractions(0, 1000, max_denominator=10**30)


def _replayed(objective, source, at_s, tiers, min_bad_events=10):
    lengths = window_lengths(objective.window.seconds, tiers)
    span = (int(at_s[0]) - max(lengths), int(at_s[-1]))
    step_s = bucket_s(int(np.gcd.reduce(np.append(at_s, 600))), lengths)
    tape = read_tape(source, objective.sli, span, step_s)
    return replay(objective, tape, at_s, tiers, min_bad_events=min_bad_events)


@given(
    rows=ROWS,
    target=TARGETS,
    threshold_ms=st.none() | st.just(250.0),
    least=st.integers(0, 20),
    places=st.lists(st.integers(-300, 900), min_size=1, max_size=4, unique=True),
)
def test_an_instant_of_a_replay_is_the_live_status_at_that_instant(
    rows, target, threshold_ms, least, places
):
    objective = slo(target=str(target), window_s=PERIOD_S, threshold_ms=threshold_ms)
    source = FixedCountSource(rows)
    at_s = np.array([NOW_S - NOW_S % 10 + 10 * place for place in sorted(places)], dtype=np.int64)
    found = _replayed(objective, source, at_s, SHORT, least)
    for place, at in enumerate(at_s.tolist()):
        (live,) = evaluate([objective], source, at - 1, tiers=SHORT, min_bad_events=least)
        counts, verdicts = found.counts(place), [found.verdict(place, t) for t in found.tiers]
        assert (counts.good, counts.total) == (live.good, live.total)
        assert [bool(column[place]) for column in found.firing] == [
            rate.firing for rate in live.burn_rates
        ]
        assert [v.is_firing for v in verdicts] == [rate.firing for rate in live.burn_rates]
        assert found.exhausted()[place] == (live.state == "exhausted")
        left = live.budget_remaining_ratio
        spent = found.spent_ratio(place)
        assert (spent is None) if left is None else (float(1 - spent) == left)


@given(
    pairs=st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), max_size=5),
    limit=RATIOS,
)
def test_comparing_with_a_limit_is_exact_beyond_64_bits(pairs, limit):
    part = np.array([min(pair) for pair in pairs], dtype=np.int64)
    whole = np.array([max(pair) for pair in pairs], dtype=np.int64)
    assert exceeds(part, whole, limit).tolist() == [
        max(pair) > 0 and Fraction(min(pair), max(pair)) > limit for pair in pairs
    ]


def test_a_ratio_at_its_limit_does_not_exceed_it():
    at = np.array([144, 145], dtype=np.int64)
    assert exceeds(at, np.array([10_000] * 2), Fraction(144, 10_000)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("held", "runs"),
    [
        ([], []),
        ([0, 0], []),
        ([1, 1, 0, 1], [(0, 20, False), (30, 30, True)]),
        ([0, 1, 1], [(10, 20, True)]),
    ],
)
def test_stretches_end_at_the_first_instant_without(held, runs):
    at_s = np.arange(len(held), dtype=np.int64) * 10
    found = replay(slo(), read_tape(FixedCountSource([]), slo().sli, (0, 10), 10), at_s, ())
    stretches = list(found.stretches(np.array(held, dtype=bool)))
    assert [(s.from_s, s.to_s, s.is_open) for s in stretches] == runs


def test_tiers_are_judged_where_the_buckets_are_fine_enough():
    outage = Segment(END_S - 40 * 3600, 360, 0, 0, 5)
    before, after = (Segment(END_S - hours * 3600, 1, 9, 0, 0) for hours in (60, 2))
    rows = events([before, outage, after])
    at_s = instants(END_S - 50 * 3600, END_S, 60)
    with fill(rows) as store:
        whole = _replayed(slo(), EdgeCountSource(store.cursor()), at_s, google_30d())
        forget(store, 10, END_S - 30 * 3600)
        forget(store, 60, END_S - 30 * 3600)
        late = _replayed(slo(), EdgeCountSource(store.cursor()), at_s, google_30d())
    assert [bool(column.any()) for column in whole.firing] == [True] * 4
    known_s = END_S - 7200
    assert late.judged_from_s[:2] == (known_s + 3600, known_s + 21_600)
    assert late.judged_from_s[2:] == (known_s + 86_400, known_s + 3 * 86_400)
    assert not any(column.any() for column in late.firing)
    assert late.counts(len(at_s) - 1) == whole.counts(len(at_s) - 1)
