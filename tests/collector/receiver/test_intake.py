"""What passes the intake is redacted and counted once, by what became of it."""

from concurrent.futures import Future

import pytest

from collector.otlp.errors import MalformedPayload
from collector.receiver.export import export
from collector.receiver.intake import Intake, Received, reasons
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from collector.store.errors import WriteFailed
from tests.collector.exports import T0, requests, span_request

NOW = {"now_ns": T0}


@pytest.fixture
def received():
    return Received()


@pytest.fixture
def intake(writer, received):
    return Intake(writer, Redactor(Policy()).redact, received, "grpc")


def test_a_repeat_is_counted_as_such_and_not_as_items(intake, received):
    for _ in range(3):
        export(intake, "traces", span_request(), **NOW)

    assert received.requests.values() == {
        ("traces", "grpc", "accepted"): 1,
        ("traces", "grpc", "repeated"): 2,
    }
    assert received.items.values() == {
        ("traces", "grpc", "accepted"): 1,
        ("traces", "grpc", "repeated"): 2,
    }


def test_a_rejected_item_is_counted_with_its_reason(intake, received):
    export(intake, "traces", span_request(trace_id=b""), **NOW)

    assert received.items.values()["traces", "grpc", "rejected"] == 1
    (key,) = received.rejected.values()
    assert key[:2] == ("traces", "grpc")
    assert "id" in key[2]


def test_bytes_and_points_of_metrics_are_counted(intake, received):
    body = requests(5, time_ns=T0)
    export(intake, "metrics", body, **NOW)

    assert received.bytes.values() == {("metrics", "grpc"): len(body)}
    assert received.items.values() == {("metrics", "grpc", "accepted"): 1}
    assert received.newest_ns == {"metrics": T0}


def test_nothing_secret_reaches_the_store_and_what_was_masked_is_counted(intake, received, store):
    body = span_request({"user": "bob@example.com", "http.request.header.cookie": "a=b"})
    export(intake, "traces", body, **NOW)
    export(intake, "traces", body, **NOW)

    (stored,) = store.cursor().execute("SELECT attributes FROM spans").fetchone()
    assert "[redacted:email]" in stored
    assert "[redacted:key]" in stored
    assert "bob" not in stored
    assert received.masked.values() == {
        ("traces", "frontend", "email"): 1,
        ("traces", "frontend", "key"): 1,
    }


def test_what_fails_after_the_intake_is_not_counted_as_taken(received):
    class Broken:
        def submit(self, _batch, _digest):
            failed = Future()
            failed.set_exception(WriteFailed("disk"))
            return failed

    intake = Intake(Broken(), Redactor(Policy()).redact, received, "http")
    with pytest.raises(WriteFailed):
        export(intake, "traces", span_request(), **NOW)
    assert received.requests.values() == received.items.values() == {}


def test_a_refused_request_is_counted_by_the_name_of_its_error(intake, received):
    intake.refused("logs", MalformedPayload("no"))
    assert received.refused.values() == {("logs", "grpc", "MalformedPayload"): 1}


def test_reasons_read_back_what_a_message_says():
    assert reasons("3 x bad id; 1 x time after the year 2262") == {
        "bad id": 3,
        "time after the year 2262": 1,
    }
    assert reasons("") == reasons("something else") == {}
