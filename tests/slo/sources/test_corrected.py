"""A corrected source is a source that never had the excluded rows."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slo.evaluate import evaluate
from slo.sources.corrected import CorrectedSource
from slo.sources.edges import EdgeCountSource
from slo.tape import read_tape
from slo.whatif import Question, whatif
from slo.windows import google_30d
from tests.slo.strategies import slo
from tests.slo.workloads import END_S, SEGMENTS, THRESHOLD_MS, events, fill

LAW = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MARKS = st.lists(
    st.integers(0, 4320).map(lambda n: END_S - 60 * n), min_size=0, max_size=6, unique=True
)


def _spans(marks):
    ordered = sorted(marks)
    return list(zip(ordered[::2], ordered[1::2], strict=False))


@LAW
@given(segments=SEGMENTS, marks=MARKS, quick_only=st.booleans(), step_s=st.sampled_from([10, 3600]))
def test_it_is_as_if_the_excluded_rows_had_not_been_stored(segments, marks, quick_only, step_s):
    excluded = _spans(marks)
    rows = events(segments)
    left = [row for row in rows if not any(a <= row[0] < b for a, b in excluded)]
    sli = slo(threshold_ms=THRESHOLD_MS if quick_only else None).sli
    windows = [(END_S - 3600, END_S), (END_S - 7 * 86_400, END_S), (END_S - 1830, END_S - 10)]
    with fill(rows) as whole, fill(left) as without:
        found = CorrectedSource(EdgeCountSource(whole.cursor()), excluded)
        truth = EdgeCountSource(without.cursor())
        assert np.array_equal(found.counts([sli], windows), truth.counts([sli], windows))
        span = (END_S - 4 * 86_400 + 70, END_S - 20)
        assert np.array_equal(found.series(sli, *span, step_s), truth.series(sli, *span, step_s))
        whole_hours = (END_S - END_S % 3600 - 4 * 86_400, END_S - END_S % 3600)
        many = [one.many_steps([sli, sli], *whole_hours, step_s) for one in (found, truth)]
        assert np.array_equal(*many)
        tape = read_tape(found, sli, (END_S - 86_400, END_S), 60)
        ends = np.array([END_S - 600, END_S], dtype=np.int64)
        good, total = tape.windows(ends, 3600)
        again = found.counts([sli], [(int(end) - 3600, int(end)) for end in ends])[0]
        assert np.column_stack([good, total]).tolist() == again.tolist()


@LAW
@given(segments=SEGMENTS, marks=MARKS)
def test_a_replay_of_corrected_counts_ends_at_their_live_status(segments, marks):
    with fill(events(segments)) as store:
        source = CorrectedSource(EdgeCountSource(store.cursor()), _spans(marks))
        (live,) = evaluate([slo()], source, END_S - 1)
        (found,) = whatif(slo(), source, Question(END_S - 600, END_S), google_30d())
    assert (found.good, found.total) == (live.good, live.total)
    assert found.budget_remaining_ratio == live.budget_remaining_ratio


def test_excluded_time_is_not_covered():
    rows = [(END_S - 3600, 1, 0, 0), (END_S - 10, 1, 0, 0)]
    with fill(rows) as store:
        inner = EdgeCountSource(store.cursor())
        source = CorrectedSource(inner, [(END_S - 7200, END_S - 3000), (END_S - 600, END_S - 540)])
        windows = [(END_S - 86_400, END_S), (END_S - 300, END_S)]
        assert source.covered_s(windows).tolist() == [3600 - 600 - 60, 300]
        assert source.kept_from_s() == inner.kept_from_s()
