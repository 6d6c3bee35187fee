"""What is remembered between transactions is bounded."""

import pytest

from collector.otlp.metrics import decode_metrics
from collector.store.recorder import Recorder
from collector.store.store import open_store
from tests.collector.exports import SECOND, T0, digest, requests


@pytest.fixture
def recorder():
    with open_store() as store:
        yield Recorder(store.cursor())


def add(recorder, number):
    body = requests(number, time_ns=T0 + number * SECOND)
    recorder.note(digest(body), T0 + number * SECOND)
    recorder.add(decode_metrics(body), T0 + number * SECOND)
    recorder.insert()
    recorder.commit()
    return digest(body)


def starts(recorder):
    return recorder.cursor.execute("SELECT count(*) FROM exporter_starts").fetchone()[0]


def test_digests_go_with_age(recorder):
    old, new = add(recorder, 1), add(recorder, 100)

    recorder.forget_digests(T0 + 50 * SECOND)

    assert not recorder.is_repeat(old, T0 + 100 * SECOND)
    assert recorder.is_repeat(new, T0 + 100 * SECOND)


def test_of_too_many_digests_the_oldest_go_and_it_is_said(recorder, monkeypatch, caplog):
    monkeypatch.setattr("collector.store.recorder.MAX_DIGESTS", 3)
    digests = [add(recorder, number) for number in range(1, 6)]

    recorder.forget_digests(0)

    known = [recorder.is_repeat(one, T0 + 6 * SECOND) for one in digests]
    assert known == [False, False, True, True, True]
    assert "more than 3 requests" in caplog.text


def test_a_dead_exporter_is_forgotten_in_memory_and_table_alike(recorder):
    add(recorder, 1)
    recorder.forget_counters(T0 + SECOND)
    assert starts(recorder) == 1

    recorder.forget_counters(T0 + 2 * SECOND)

    assert starts(recorder) == 0
    assert not recorder.counters._last
    assert not recorder.counters._exporters
