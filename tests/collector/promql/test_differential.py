"""The engine beside a real Prometheus: generated series, generated queries, the same answers."""

from random import Random

import pytest

from collector.promql.options import Options
from tests.collector.promql.generated import answers, data, prometheus
from tests.collector.promql.generated.differences import KNOWN
from tests.collector.promql.generated.queries import Queries
from tests.collector.promql.naive import Naive

AS_2 = Options(is_left_closed=True)


def compared(real, random, series, count, *, with_naive=False):
    """Ask for ``count`` answers; return what differs, and how many were empty or failed."""
    queries = Queries(random, is_for_2=True)
    source, naive = data.source(series), Naive(series, is_left_closed=True)
    different, empty, failed = [], 0, 0
    for _ in range(count):
        query = queries.one()
        start = data.BASE_MS + 1000 * random.randrange(600, data.SPAN_MS // 1000)
        step = 1000 * random.choice((15, 37, 60, 300))
        window = (start, start + step * random.choice((0, 1, 3, 6, 40)), step)
        theirs = real.over_range(query, *window)
        ours = [answers.of_engine(source, query, *window, AS_2)]
        if with_naive:
            ours.append(answers.of_naive(naive, query, *window))
        faults = [answers.difference(one, theirs) for one in ours]
        different += [f"{query}\n  at {window}: {fault}" for fault in faults if fault]
        empty += theirs == {}
        failed += isinstance(theirs, answers.Failure)
    return different, empty, failed


@pytest.mark.e2e
def test_a_real_prometheus_gives_the_same_answers(tmp_path):
    random = Random(4)
    series = data.series(random)
    with prometheus.running(tmp_path, series) as real:
        different, empty, failed = compared(real, random, series, 500)
    assert different == []
    assert empty + failed < 300, "too few queries have an answer"


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_real_prometheus_gives_the_same_answers_for_hours(tmp_path, capsys):
    tried, empties, failures, different = 0, 0, 0, []
    for seed in range(10):
        random = Random(seed)
        series = data.series(random)
        directory = tmp_path / str(seed)
        directory.mkdir()
        with prometheus.running(directory, series) as real:
            found, empty, failed = compared(real, random, series, 3000, with_naive=True)
        tried, empties, failures = tried + 3000, empties + empty, failures + failed
        different += found
    with capsys.disabled():
        print(f"\nexpressions tried {tried}, mismatches {len(different)}"
              f" (no series {empties}, refused by both {failures})")  # fmt: skip
        for one in KNOWN:
            print(f"known: {one.what}\n  why: {one.reason}\n  avoided: {one.avoided}")
    assert different == []
