"""On the way to the writer: who was heard, what came late, how long the oldest request waits."""

import pytest

from collector.receiver.export import prepare
from collector.receiver.listening import RECOUNTED, UNCOUNTED, Listening, late_spans
from collector.receiver.rhythm import Exporters
from tests.collector.exports import SECOND, T0, span_request
from tests.collector.receiver.conformance.rig import GOOD, Stuck

NOW_S = T0 // SECOND


def span(ago_s):
    return span_request(
        start_time_unix_nano=T0 - ago_s * SECOND, end_time_unix_nano=T0 - ago_s * SECOND
    )


@pytest.fixture
def stuck():
    return Stuck()


@pytest.fixture
def listening(stuck):
    return Listening(stuck, Exporters(0), lambda: NOW_S)


def test_the_oldest_request_waits_until_its_commit(listening, stuck):
    assert listening.oldest_wait_s() == 0
    for name in GOOD:
        prepared = prepare(name, GOOD[name])
        listening.submit(prepared.batch, prepared.digest)
    first = listening.oldest_wait_s()
    assert 0 < first <= listening.oldest_wait_s()
    stuck.let_go()
    assert listening.oldest_wait_s() == 0


@pytest.mark.parametrize(
    ("ago_s", "found"), [(0, (0, 0)), (29, (0, 0)), (31, (1, 0)), (599, (1, 0)), (601, (0, 1))]
)
def test_a_span_is_late_by_what_becomes_of_it(listening, ago_s, found):
    batch = prepare("traces", span(ago_s)).batch
    counted = late_spans(batch, NOW_S)
    assert (counted[RECOUNTED], counted[UNCOUNTED]) == found
    listening.submit(batch, b"digest")
    assert tuple(listening.late_spans.values().values()) == found


def test_who_is_refused_has_been_heard(listening, failing):
    exporters = Exporters(0)
    deaf = Listening(failing(OSError("full")), exporters, lambda: NOW_S)
    prepared = prepare("traces", GOOD["traces"])
    with pytest.raises(OSError, match="full"):
        deaf.submit(prepared.batch, prepared.digest)
    assert exporters.heard()["frontend", ""].last_s == NOW_S
    assert deaf.oldest_wait_s() == 0


@pytest.mark.parametrize(("ago_s", "found"), [(0, {}), (2 * 86_400, {("traces",): 1})])
def test_times_far_from_the_clock_are_counted_by_signal(listening, ago_s, found):
    prepared = prepare("traces", span(ago_s))
    listening.submit(prepared.batch, prepared.digest)
    assert listening.far_times.values() == found
