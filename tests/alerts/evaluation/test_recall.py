"""What is recalled is what would be read: an answer from memory is that of the source."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import alerts.evaluation.recall as recall_module
from alerts.evaluation.recall import Recall
from collector.promql.engine import instant
from collector.promql.memory import MemorySource
from tests.alerts.evaluation.world import MINUTE, T0, series

EXPRESSIONS = (
    "increase(a[5m])",
    "sum(increase(a[20m]))",
    'rate(a{job="x"}[3m])',
    'a{job=~"x|z"}',
    'count_over_time(a{job!="x"}[10m])',
    "b",
    "absent(c)",
)


class Counting:
    """A source that counts what it gave."""

    def __init__(self, source):
        self.source, self.given = source, 0

    def select(self, matchers, from_ms, to_ms):
        for block in self.source.select(matchers, from_ms, to_ms):
            self.given += len(block.values)
            yield block


def answers(source, at_ms):
    found = {}
    for expr in EXPRESSIONS:
        grid = instant(source, expr, at_ms).value
        found[expr] = sorted(
            zip(grid.labels, np.nan_to_num(grid.values[:, 0]).tolist(), strict=True)
        )
    return found


def data(until_ms, columns, base=0):
    """Return what a source has at a time: counters, all of them above a base."""
    found = []
    for name, job, values in columns:
        known = [None if one is None else base + sum(filter(None, values[: at + 1]))
                 for at, one in enumerate(values)
                 if T0 + at * MINUTE <= until_ms]  # fmt: skip
        found.append(series(name, known, (("job", job),)))
    return MemorySource([one for one in found if len(one[1])], block_size=2)


steps = st.lists(st.sampled_from([None, 0, 1, 5]), min_size=40, max_size=40)


@settings(deadline=None)
@given(steps, steps, steps, st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_answers_are_those_of_the_source_at_every_moment(one, other, third, gaps):
    columns = [("a", "x", one), ("a", "y", other), ("a", "z", [None] * 20 + third[20:]),
               ("b", "x", third)]  # fmt: skip
    recall, at_ms = Recall(overlap_ms=2 * MINUTE), T0 + 10 * MINUTE
    for gap in gaps:
        at_ms = min(at_ms + gap * MINUTE, T0 + 39 * MINUTE)
        source = data(at_ms, columns)
        assert answers(recall.over(source, at_ms), at_ms) == answers(source, at_ms)


def test_only_the_end_of_a_window_is_read_again():
    columns = [("a", "x", [1] * 300)]
    recall = Recall()
    for minute in range(200, 210):
        at_ms = T0 + minute * MINUTE
        source = Counting(data(at_ms, columns))
        instant(recall.over(source, at_ms), "increase(a[180m])", at_ms)
    assert source.given < 15


def test_counters_that_lost_their_beginning_are_read_anew():
    """Retention makes counters smaller: in the middle of a window that would be a reset."""
    columns = [("a", "x", [10] * 60)]
    recall = Recall()
    for minute, base in ((50, 1000), (51, 0)):
        at_ms = T0 + minute * MINUTE
        source = data(at_ms, columns, base)
        assert answers(recall.over(source, at_ms), at_ms) == answers(source, at_ms)


def test_what_is_too_much_to_keep_is_read_each_time():
    columns = [("a", "x", [1] * 60), ("a", "y", [1] * 60)]
    recall = Recall(most_samples=50)
    for minute in (50, 51):
        at_ms = T0 + minute * MINUTE
        source = data(at_ms, columns)
        assert answers(recall.over(source, at_ms), at_ms) == answers(source, at_ms)


def test_samples_that_come_late_but_within_the_overlap_are_seen():
    recall = Recall(overlap_ms=5 * MINUTE)
    early = MemorySource([series("a", [1, 2, 3, 4, 5, 6, 7])])
    at_ms = T0 + 9 * MINUTE
    instant(recall.over(early, at_ms), "increase(a[9m])", at_ms)
    late = MemorySource([series("a", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])])
    at_ms += MINUTE
    expr = "sum(increase(a[10m]))"
    assert (
        instant(recall.over(late, at_ms), expr, at_ms).value.values[0, 0]
        == instant(late, expr, at_ms).value.values[0, 0]
    )


def grown(recall, until):
    """Evaluate each minute up to ``until``; return the last answer and what it should be."""
    columns = [("a", "x", [1] * (until + 1))]
    for minute in range(60, until + 1):
        at_ms = T0 + minute * MINUTE
        source = data(at_ms, columns)
        (value,) = instant(recall.over(source, at_ms), "increase(a[60m])", at_ms).value.values[:, 0]
    (wanted,) = instant(source, "increase(a[60m])", at_ms).value.values[:, 0]
    return value, wanted


def test_what_grows_old_is_thinned_out_and_counts_the_same_but_for_one_step(monkeypatch):
    monkeypatch.setattr(recall_module, "_WORTH", 10)
    thinned = Recall(overlap_ms=2 * MINUTE, thinned={"a": ((20 * MINUTE, 3 * MINUTE),)})
    plain = Recall(overlap_ms=2 * MINUTE)
    value, wanted = grown(thinned, 200)
    assert abs(value - wanted) <= 3
    assert grown(plain, 200)[0] == wanted
    kept, all_of_them = (one._metrics["a"].samples for one in (thinned, plain))
    assert kept < all_of_them - 20


def test_nothing_is_kept_when_the_past_is_told_otherwise():
    recall, at_ms = Recall(), T0 + 30 * MINUTE
    for revision, bad in (("", [2] * 31), ("corrected", [2] * 20 + [0] * 11)):
        source = Counting(data(at_ms, [("a", "x", bad)]))
        found = instant(recall.over(source, at_ms, revision), "increase(a[20m])", at_ms)
        assert (
            found.value.values[0, 0]
            == instant(source, "increase(a[20m])", at_ms).value.values[0, 0]
        )
    given_once = source.given
    instant(recall.over(source, at_ms, "corrected"), "increase(a[20m])", at_ms)
    assert source.given == given_once
