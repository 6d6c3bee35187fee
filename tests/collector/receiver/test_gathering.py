"""Trace exports in company: each has the answer that it would have had alone, and the same rows."""

import threading
import time
from concurrent.futures import Future

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.otlp.errors import MalformedPayload
from collector.otlp.scan.engine import ENGINE
from collector.receiver.export import Told
from collector.receiver.gathering import Gatherer
from collector.receiver.intake import Intake, Received
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from collector.store.acks import Ack
from collector.store.errors import BatchRefused, DiskFull, StoreClosed
from collector.store.pacing import Pace
from collector.store.store import open_store
from collector.store.writer import Writer
from tests.collector.exports import T0, span_request
from tests.collector.otlp.span_requests import mutated, requests

DAY = 24 * 3600 * 10**9
LONG_S = 30.0


@pytest.fixture(autouse=True, scope="module")
def _scanner():
    ENGINE.prepare().join()


@pytest.fixture
def received():
    return Received()


@pytest.fixture
def gatherer(writer, received):
    intake = Intake(writer, Redactor(Policy()).redact, received, "grpc")
    with Gatherer(intake, window_s=0.2, clock_ns=lambda: T0) as running:
        yield running


def outcome(waiting):
    try:
        return waiting.result(LONG_S)
    except MalformedPayload as error:
        return str(error)


def together(gatherer, *bodies):
    """Return what each is answered; all come within one window."""
    return [outcome(one) for one in [gatherer.gather(body) for body in bodies]]


def test_each_is_answered_by_itself_and_its_rows_are_kept(gatherer, received, count):
    good, other = span_request({"a": 1}), span_request({"a": 2})
    answers = together(gatherer, good, span_request(trace_id=b""), other, good, b"")

    assert answers[0] == answers[2] == answers[3] == answers[4] == Told(0, "")
    assert answers[1].rejected == 1
    assert "trace id" in answers[1].message
    assert count("spans") == 2
    assert count("export_requests") == 3
    assert received.requests.values() == {
        ("traces", "grpc", "accepted"): 3,
        ("traces", "grpc", "repeated"): 1,
    }
    assert received.items.values() == {
        ("traces", "grpc", "accepted"): 2,
        ("traces", "grpc", "repeated"): 1,
        ("traces", "grpc", "rejected"): 1,
    }


def test_a_wreck_harms_none_of_its_company(gatherer, count):
    wreck, good = b"\x0a\xff\xff", span_request()

    answers = together(gatherer, good, wreck, span_request({"a": 1}))

    assert answers[0] == answers[2] == Told(0, "")
    assert isinstance(answers[1], str)
    assert count("spans") == 2


def test_only_the_sender_of_a_wrong_clock_is_warned(gatherer):
    now, far = span_request(), span_request(start_time_unix_nano=T0 - 3 * DAY)

    answers = together(gatherer, now, far, span_request({"a": 1}))

    assert [bool(answer.message) for answer in answers] == [False, True, False]
    assert "clock" in answers[1].message


def test_secrets_are_masked_in_company(gatherer, store, received):
    together(gatherer, span_request({"user": "bob@example.com"}), span_request({"a": "b"}))

    stored = store.cursor().execute("SELECT attributes FROM spans ORDER BY 1").fetchall()
    assert [text for (text,) in stored if "bob" in text] == []
    assert received.masked.values() == {("traces", "frontend", "email"): 1}


def test_those_who_come_later_are_not_forgotten(gatherer, count):
    first = gatherer.gather(span_request({"n": 0}))
    first.result(LONG_S)
    second = gatherer.gather(span_request({"n": 1}))

    assert second.result(LONG_S) == Told(0, "")
    assert count("spans") == 2


def test_on_closing_what_came_is_committed_and_no_more_is_taken(writer, received, count):
    intake = Intake(writer, Redactor(Policy()).redact, received, "grpc")
    gatherer = Gatherer(intake, window_s=60, clock_ns=lambda: T0)
    waiting = [gatherer.gather(span_request({"n": n})) for n in range(3)]

    began_s = time.monotonic()
    gatherer.close()

    assert [one.result(LONG_S) for one in waiting] == [Told(0, "")] * 3
    assert time.monotonic() - began_s < 60
    assert count("spans") == 3
    with pytest.raises(StoreClosed):
        gatherer.gather(span_request())


class Sink:
    """Takes requests alone only: in company they fail, at once or at their commit."""

    def __init__(self, at_once=None, at_commit=None):
        self.at_once, self.at_commit, self.taken = at_once, at_commit, []

    def submit(self, batch, _digest):
        self.taken.append(len(batch.spans))
        done = Future()
        done.set_result(Ack(0, "", is_repeat=False))
        return done

    def submit_together(self, _asked):
        if self.at_once:
            raise self.at_once
        failed = Future()
        failed.set_exception(self.at_commit)
        return failed

    def refused(self, signal, error):
        raise AssertionError((signal, error))


def test_what_cannot_be_committed_in_company_is_tried_alone():
    sink = Sink(at_commit=BatchRefused("one of them is bad"))
    with Gatherer(sink, window_s=0.2, clock_ns=lambda: T0) as gatherer:
        assert together(gatherer, span_request(), span_request({"a": 1})) == [Told(0, "")] * 2
    assert sink.taken == [1, 1]


def test_a_full_store_is_told_to_all_and_nothing_is_decoded_again():
    sink = Sink(at_once=DiskFull(1, 2))
    with Gatherer(sink, window_s=0.2, clock_ns=lambda: T0) as gatherer:
        waiting = [gatherer.gather(span_request({"n": n})) for n in range(2)]
        for one in waiting:
            with pytest.raises(DiskFull):
                one.result(LONG_S)
    assert sink.taken == []


def rows_and_answers(bodies, *, window_s):
    with open_store() as store:
        writer = Writer(store)
        intake = Intake(writer, Redactor(Policy()).redact, Received(), "grpc")
        with Gatherer(intake, window_s=window_s, clock_ns=lambda: T0) as gatherer:
            if window_s:
                answers = together(gatherer, *bodies)
            else:
                answers = [outcome(gatherer.gather(body)) for body in bodies]
        writer.close()
        sql = (
            "SELECT trace_hi, trace_lo, span_id, parent_id, kind, start_ns, duration_ns, status,"
            " http_status, is_error, trace_state, spans.attributes, events, links, resources.*"
            " EXCLUDE (resource_id), n.value, r.value, f.value FROM spans"
            " JOIN resources USING (resource_id) JOIN strings n ON n.string_id = name_id"
            " JOIN strings r ON r.string_id = route_id JOIN strings f ON f.string_id = flags_id"
        )
        return sorted(map(repr, store.cursor().execute(sql).fetchall())), answers


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(requests(), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_company_changes_neither_rows_nor_answers(made, chance):
    bodies = [one.SerializeToString() for one in made]
    bodies += [mutated(bodies[0], chance), bodies[-1]]

    assert rows_and_answers(bodies, window_s=0.05) == rows_and_answers(bodies, window_s=0)


def test_many_threads_at_once_lose_nothing(gatherer, count):
    answers = []

    def send(sender):
        answers.extend(
            gatherer.gather(span_request({"s": sender, "t": turn})).result(LONG_S)
            for turn in range(20)
        )

    gatherer._pace = Pace(0.001)
    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [Told(0, "")] * 160
    assert count("spans") == 160


def test_a_request_without_spans_is_heard_but_has_no_rows(gatherer, count):
    request = ExportTraceServiceRequest()
    request.resource_spans.add().resource.attributes.add(
        key="service.name"
    ).value.string_value = "quiet"
    together(gatherer, request.SerializeToString(), span_request())

    assert count("spans") == 1
    assert count("heartbeats") == 2
