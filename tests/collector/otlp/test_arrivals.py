"""Lateness by columns, and the naive twin that walks the points."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.otlp.arrivals import FUTURE, FUTURE_NS, LATE, OVERLAP, Arrivals
from collector.otlp.batch import POINTS, Batch, Series

NOW_NS = 50
IDS = (7, 2, 5000)
"""Ids of three series: the positions of a batch are no ids."""


class Naive:
    """The newest time of each series, point by point."""

    def __init__(self):
        self.newest, self.new = {}, {}

    def observe(self, rows, temporalities):
        odd = {}

        def note(reason):
            odd[reason] = odd.get(reason, 0) + 1

        for position, time_ns, start_ns in rows:
            series_id = IDS[position]
            newest = self.new.get(series_id, self.newest.get(series_id, 0))
            if time_ns > newest:
                self.new[series_id] = time_ns
            else:
                note(LATE)
            if 0 < start_ns < newest and temporalities[position] == 1:
                note(OVERLAP)
            if time_ns > NOW_NS + FUTURE_NS:
                note(FUTURE)
        return odd


TIMES = st.integers(1, 30) | st.just(NOW_NS + FUTURE_NS + 1)
ROWS = st.lists(st.tuples(st.integers(0, 2), TIMES, st.integers(0, 30)), max_size=6)
STEPS = st.lists(st.tuples(ROWS, st.sampled_from(["", "commit", "rollback"])), max_size=6)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.lists(st.sampled_from([0, 1, 2]), min_size=3, max_size=3))
def test_columns_say_what_the_points_one_by_one_say(steps, temporalities):
    series = [Series(0, "", f"m{n}", "", "sum", t, True, "{}") for n, t in enumerate(temporalities)]
    ours, naive = Arrivals(), Naive()
    for rows, then in steps:
        columns = [np.array([row[n] for row in rows], np.int64) for n in range(3)]
        points = pa.table(
            {"series": columns[0].astype(np.int32), "time_ns": columns[1], "start_ns": columns[2]}
        )
        batch = Batch(
            resources=(), strings=(), series=(), spans=None, points=points,
            histograms=POINTS.empty_table(), logs=None, heard=(), rejected=0, message="",
            body_bytes=0,
        )  # fmt: skip

        assert ours.observe(batch, series, IDS, NOW_NS) == naive.observe(rows, temporalities)
        if then == "commit":
            ours.commit()
            naive.newest |= naive.new
            naive.new.clear()
        elif then == "rollback":
            ours.rollback()
            naive.new.clear()
