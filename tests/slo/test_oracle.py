"""Thirty days of adversarial traffic in a real store: live, replayed and counted by hand agree."""

from decimal import Decimal

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slo.evaluate import evaluate
from slo.replay import replay
from slo.sources.edges import EdgeCountSource
from slo.tape import read_tape
from slo.whatif import bucket_s, window_lengths
from slo.windows import google_30d
from tests.slo.oracle import EXACT, truth
from tests.slo.strategies import slo
from tests.slo.workloads import (
    END_S,
    MONTH_S,
    SEGMENTS,
    THRESHOLD_MS,
    WINDOWS_S,
    events,
    fill,
)

TARGETS = st.sampled_from(["0", "0.9", "0.95", "0.999", "0.99999", "0.123456789012345678"])
MOMENTS = st.sampled_from([0, -10, -300, -3600, 10]).map(lambda shift: END_S + shift)
LAW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _decimal(fraction):
    if fraction is None:
        return None
    return EXACT.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))


def _edges(segments):
    """Return the instants at which a segment enters or leaves some window, and their neighbours."""
    marks = [one.start_s + 10 * n for one in segments for n in (0, one.buckets)]
    return [mark + length for mark in marks for length in WINDOWS_S[:7]]


@LAW
@given(
    segments=SEGMENTS,
    target=TARGETS,
    period_s=st.sampled_from([MONTH_S, 7 * 86_400, 28 * 86_400]),
    quick_only=st.booleans(),
    data=st.data(),
)
def test_nothing_differs_from_a_count_by_hand(segments, target, period_s, quick_only, data):
    rows = events(segments)
    threshold_ms = THRESHOLD_MS if quick_only else None
    objective = slo(target=target, window_s=period_s, threshold_ms=threshold_ms)
    at_s = sorted({*data.draw(st.lists(MOMENTS, min_size=1, max_size=2)), *_edges(segments)[:12]})
    tiers = google_30d()
    lengths = window_lengths(period_s, tiers)
    with fill(rows) as store:
        source = EdgeCountSource(store.cursor())
        span = (at_s[0] - max(lengths), at_s[-1])
        tape = read_tape(source, objective.sli, span, bucket_s(10, lengths))
        found = replay(objective, tape, np.array(at_s, dtype=np.int64), tiers)
        live = [evaluate([objective], source, at - 1)[0] for at in at_s[:4]]
    for place, at in enumerate(at_s):
        true = truth(rows, at, target=Decimal(target), period_s=period_s, quick_only=quick_only)
        counts = found.counts(place)
        verdicts = [found.verdict(place, tier) for tier in found.tiers]
        assert (counts.good, counts.total) == (true.good, true.total)
        assert _decimal(found.spent_ratio(place)) == true.spent
        assert [[_decimal(v.long_burn), _decimal(v.short_burn)] for v in verdicts] == true.burns
        assert [v.is_firing for v in verdicts] == true.firing
        assert [bool(column[place]) for column in found.firing] == true.firing
    for status, at in zip(live, at_s, strict=False):
        true = truth(rows, at, target=Decimal(target), period_s=period_s, quick_only=quick_only)
        assert (status.good, status.total) == (true.good, true.total)
        assert status.budget_remaining_ratio == _left(true)
        burns = [[rate.long_burn, rate.short_burn] for rate in status.burn_rates]
        assert burns == [[None if x is None else float(x) for x in pair] for pair in true.burns]
        assert [rate.firing for rate in status.burn_rates] == true.firing


def _left(true):
    return None if true.spent is None else float(EXACT.subtract(Decimal(1), true.spent))
