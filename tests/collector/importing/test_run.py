"""An import brings every sample over once, however it is cut and wherever it breaks."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.importing.errors import ImportFailed, NothingFound, Unreachable, UsedWrongly
from collector.importing.journal import Header, Journal
from collector.importing.plan import Window, parse_match
from collector.importing.run import Import, Options
from tests.collector.importing.memory import MemorySource, MemoryTarget

HOUR_MS = 3_600_000
T_MS = 1_800_000_000_000
ALL = [parse_match('{__name__!=""}')]

samples = st.dictionaries(st.integers(T_MS - 5 * HOUR_MS, T_MS), st.floats(-9, 9), max_size=30)
labels = st.tuples(st.sampled_from(["up", "down"]), st.sampled_from("abc")).map(
    lambda pair: (("__name__", pair[0]), ("job", pair[1]))
)
data = st.dictionaries(labels, samples, max_size=6)
WHOLE = Window(T_MS - 4 * HOUR_MS, T_MS)


def _import(source, target, *, matches=ALL, whole=WHOLE, **options):
    chosen = {"window_ms": HOUR_MS, "request_samples": 7, "piece_samples": 10} | options
    return Import(source, target, matches, Options(whole, **chosen))


def _wanted(kept, whole=WHOLE):
    return {
        ((dict(one)["__name__"], f'{{"job":"{dict(one)["job"]}"}}'), at): [value]
        for one, points in kept.items()
        for at, value in points.items()
        if whole.from_ms < at <= whole.to_ms
    }


def _run(work):
    with contextlib.suppress(NothingFound):
        work.run()


@settings(deadline=None, max_examples=60)
@given(kept=data, most=st.integers(1, 40), request=st.integers(1, 20))
def test_every_sample_comes_once_whatever_fits_into_an_answer(kept, most, request):
    source, target = MemorySource(kept, most=most), MemoryTarget()
    work = _import(source, target, request_samples=request)
    densest = max((_in_a_minute(points) for points in kept.values()), default=0)
    try:
        _run(work)
    except ImportFailed:
        assert densest > most
        return
    assert target.kept == _wanted(kept)
    assert source.largest <= most
    assert work.progress.written == len(target.kept)


def _in_a_minute(points):
    """Return how many samples of one series lie within a minute."""
    return max((sum(at < one <= at + 60_000 for one in points) for at in points), default=0) + 1


@settings(deadline=None, max_examples=60)
@given(kept=data, breaks=st.lists(st.integers(0, 3), max_size=6))
def test_an_import_that_breaks_anywhere_is_resumed_without_loss_or_repetition(
    tmp_path_factory, kept, breaks
):
    path = tmp_path_factory.mktemp("import") / "journal"
    header = Header("http://memory", "there", ('{__name__!=""}',), WHOLE.from_ms, WHOLE.to_ms,
                    HOUR_MS)  # fmt: skip
    target = MemoryTarget()
    for after in (*breaks, 10**9):
        target.breaks_after = target.writes + after
        resume = path.exists()
        with contextlib.suppress(Unreachable), Journal(path, header, resume=resume) as journal:
            work = _import(MemorySource(kept), target)
            work.go_on(journal)
            _run(work)
    assert target.kept == _wanted(kept)


def test_what_is_there_already_is_left_out():
    kept = {(("__name__", "up"), ("job", "a")): {T_MS: 1.0, T_MS - 1: 2.0}}
    target = MemoryTarget()
    _import(MemorySource(kept), target).run()
    again = _import(MemorySource(kept), target)
    again.run()
    assert (again.progress.present, again.progress.written) == (2, 0)
    assert target.kept == _wanted(kept)


def test_selectors_that_overlap_bring_a_sample_once():
    kept = {(("__name__", "up"), ("job", "a")): {T_MS: 1.0}}
    target = MemoryTarget()
    _import(MemorySource(kept), target, matches=[*ALL, parse_match('{job="a"}')]).run()
    assert target.kept == _wanted(kept)


def test_only_what_matches_is_brought():
    kept = {(("__name__", "up"), ("job", one)): {T_MS: 1.0} for one in "ab"}
    target = MemoryTarget()
    _import(MemorySource(kept), target, matches=[parse_match('up{job="b"}')]).run()
    assert {name for name, _ in target.kept} == {("up", '{"job":"b"}')}


def test_counting_writes_nothing():
    kept = {(("__name__", "up"), ("job", "a")): {T_MS: 1.0, T_MS - 1: 2.0}}
    target = MemoryTarget()
    assert _import(MemorySource(kept), target).count().read == 2
    assert target.writes == 0


def test_no_such_series_is_an_error():
    with pytest.raises(NothingFound):
        _import(MemorySource({}), MemoryTarget()).run()


def test_the_progress_only_grows_and_ends_at_one():
    kept = {
        (("__name__", name), ("job", "a")): dict.fromkeys(range(T_MS - 9 * 10**6, T_MS, 10**5), 1.0)
        for name in ("up", "down", "left")
    }
    told = []
    work = _import(MemorySource(kept), MemoryTarget())
    work.tell = lambda progress: told.append(progress.ratio)
    work.run()
    assert told == sorted(told)
    assert work.progress.ratio == 1.0


def test_a_target_that_forgets_earlier_is_told_of_before_anything_is_read():
    now_ms = time.time_ns() // 10**6
    whole = Window(now_ms - 30 * 24 * HOUR_MS, now_ms)
    work = _import(MemorySource({}), MemoryTarget(keeps_ms=7 * 24 * HOUR_MS), whole=whole)
    with pytest.raises(UsedWrongly, match="MESHSCOPE_KEEP_METRICS_DAYS=30"):
        work.check()
