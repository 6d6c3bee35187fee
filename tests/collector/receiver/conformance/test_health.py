"""OTLP conformance: what the health service says, and how much an answer may hold."""

import time
from concurrent.futures import Future
from contextlib import closing

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st

from collector.receiver.export import MAX_RESPONSE_BYTES, SIGNALS, answer, prepare
from collector.receiver.faults import fault_of
from collector.store.acks import Ack
from collector.store.errors import Overloaded, WriteFailed
from collector.store.writer import Writer
from tests.collector.receiver.conformance.rig import (
    GOOD,
    METHODS,
    PROTOBUF,
    REJECTED,
    call,
    now_ns,
    refusal,
)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES = ("", *(signal.service for signal in SIGNALS.values()))
GIB = 2**30


class Talkative:
    """A sink that has much to say."""

    def submit(self, _batch, _digest):
        done = Future()
        done.set_result(Ack(1, "many reasons " * 10**6, is_repeat=False))
        return done


class Failing:
    """A sink whose error has much to say."""

    def submit(self, _batch, _digest):
        raise WriteFailed("a reason \u20ac" * 10**6)


@pytest.mark.parametrize("name", list(SIGNALS))
def test_g03_a_response_stays_small_whatever_there_is_to_say(serve_grpc, serve_http, name):
    reply = call(serve_grpc(Talkative()), METHODS[name], GOOD[name])
    posted = serve_http(Talkative()).post(f"/v1/{name}", content=GOOD[name], headers=PROTOBUF)

    response = SIGNALS[name].response_type.FromString(reply)
    assert getattr(response.partial_success, REJECTED[name]) == 1
    assert 0 < len(reply) == len(posted.content) < 8192 < MAX_RESPONSE_BYTES


def test_g03_an_error_stays_small_too(serve_grpc, serve_http):
    said = refusal(serve_grpc(Failing()), METHODS["traces"], GOOD["traces"])
    posted = serve_http(Failing()).post("/v1/traces", content=GOOD["traces"], headers=PROTOBUF)

    assert said.code is grpc.StatusCode.UNAVAILABLE
    assert (posted.status_code, len(posted.content) < 8192) == (503, True)


@given(message=st.text(max_size=300), times=st.integers(1, 50_000), rejected=st.integers(0, 2**62))
def test_g03_holds_for_any_text(message, times, rejected):
    prepared = prepare("logs", GOOD["logs"])
    found = answer(prepared, Ack(rejected, message * times, is_repeat=False), now_ns())

    assert found.ByteSize() < MAX_RESPONSE_BYTES
    assert fault_of(WriteFailed(message * times)).status.ByteSize() < MAX_RESPONSE_BYTES


@pytest.fixture
def health():
    """Return health(receiver, service): what it says now; None says it knows no such service."""
    channels = []

    def ask(receiver, service=""):
        if not channels:
            channels.append(grpc.insecure_channel(f"127.0.0.1:{receiver.port}"))
        check = health_pb2_grpc.HealthStub(channels[0]).Check
        return check(health_pb2.HealthCheckRequest(service=service), timeout=20).status

    yield ask
    for channel in channels:
        channel.close()


def becomes(ask, status):
    deadline_s = time.monotonic() + 10
    while ask() != status:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_g11_health_tells_the_state_of_the_server_and_of_each_service(serve_grpc, writer, health):
    receiver = serve_grpc(writer)

    assert {health(receiver, service) for service in SERVICES} == {SERVING}
    with pytest.raises(grpc.RpcError) as caught:
        health(receiver, "nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_g11_health_follows_a_full_disk_and_its_end(serve_grpc, store, health):
    free = [4 * GIB]
    with closing(Writer(store, free=lambda: free[0])) as writer:
        receiver = serve_grpc(writer, trouble=lambda: writer.trouble, look_every_s=0.02)
        assert health(receiver) == SERVING
        free[0] = 0
        becomes(lambda: health(receiver), NOT_SERVING)
        assert {health(receiver, service) for service in SERVICES} == {NOT_SERVING}
        said = refusal(receiver, METHODS["traces"], GOOD["traces"])
        assert (said.code, said.retry_s) == (grpc.StatusCode.UNAVAILABLE, 1)

        free[0] = 4 * GIB
        becomes(lambda: health(receiver), SERVING)
        assert call(receiver, METHODS["traces"], GOOD["traces"]) == b""
        receiver.stop()


@pytest.mark.parametrize("trouble", [lambda: str(Overloaded(2, 1)), lambda: 1 / 0])
def test_g11_a_server_that_starts_in_trouble_does_not_say_that_it_serves(
    serve_grpc, writer, health, trouble
):
    assert health(serve_grpc(writer, trouble=trouble)) == NOT_SERVING
