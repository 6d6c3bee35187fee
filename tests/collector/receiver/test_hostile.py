"""Hostile bodies through real receivers, redaction and writer: a clear answer, neighbours unharmed.

Whatever comes, the answer is one of those that OTLP knows for data at fault, and never one that
says that the server is. A good request that is on its way at the same time is stored, once.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count

import grpc
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.receiver.gathering import Gatherer
from collector.receiver.grpc import start_grpc
from collector.receiver.http import start_http
from collector.receiver.intake import Intake, Received
from collector.receiver.listening import Listening
from collector.receiver.rhythm import Exporters
from collector.redaction.policy import Policy
from collector.redaction.redactor import Redactor
from collector.store.store import open_store
from collector.store.writer import Writer
from tests.collector.exports import span_request
from tests.collector.receiver.conformance.rig import JSON, METHODS, PROTOBUF, now_ns
from tests.collector.receiver.hostile import FIXTURES, Hostile, corpus, mutated

CORPUS = corpus()
HTTP_ANSWERS = {200, 400, 413, 415}
GRPC_ANSWERS = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
SEED = st.integers(0, 2**32)
SIGNAL = st.sampled_from(list(FIXTURES))


class Target:
    """A collector as the server puts it together, and senders to it."""

    def __init__(self, store, writer, channel, client):
        self.store, self.writer = store, writer
        self.channel, self.client = channel, client
        self.pool = ThreadPoolExecutor(4)
        self.numbers = count(1)
        self.good = []

    def by_grpc(self, one):
        packed = {"gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}
        call = self.channel.unary_unary(METHODS[one.signal])
        try:
            call(one.body, timeout=60, compression=packed.get(one.encoding))
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    def by_http(self, one):
        headers = JSON if one.is_json else PROTOBUF
        headers = headers | ({"Content-Encoding": one.encoding} if one.encoding else {})
        return self.client.post(f"/v1/{one.signal}", content=one.body, headers=headers).status_code

    def neighbour(self):
        """Send a good span by both ways; it must be taken."""
        for send in (self.by_grpc, self.by_http):
            number = next(self.numbers)
            body = span_request(name="good", span_id=number.to_bytes(8, "big"))
            assert send(Hostile("good", "traces", body)) in {200, grpc.StatusCode.OK}
            self.good.append(number)

    def attack(self, one):
        """Send by every way at once, beside a neighbour; return the answers."""
        ways = [self.by_http] if one.is_json else [self.by_http, self.by_grpc]
        beside = self.pool.submit(self.neighbour)
        answers = [self.pool.submit(way, one) for way in ways]
        beside.result(90)
        return {answer.result(90) for answer in answers}

    def stored_good(self):
        sql = ("SELECT span_id FROM spans JOIN strings ON name_id = string_id WHERE value = 'good'"
               " ORDER BY span_id")  # fmt: skip
        return [span_id for (span_id,) in self.store.cursor().execute(sql).fetchall()]


@pytest.fixture(scope="module")
def target():
    redact, received = Redactor(Policy()).redact, Received()
    with open_store(clock_ns=now_ns) as store, closing(Writer(store)) as writer:
        keeper = Listening(writer, Exporters(0), lambda: now_ns() / 1e9)
        with Gatherer(Intake(keeper, redact, received, "grpc"), clock_ns=now_ns) as gatherer:
            by_grpc = start_grpc(gatherer, port=0, clock_ns=now_ns)
            by_http = start_http(Intake(keeper, redact, received, "http"), port=0, clock_ns=now_ns)
            options = [("grpc.max_send_message_length", -1)]
            url = f"http://127.0.0.1:{by_http.port}"
            with (
                grpc.insecure_channel(f"127.0.0.1:{by_grpc.port}", options) as channel,
                httpx.Client(base_url=url, timeout=60) as client,
            ):
                made = Target(store, writer, channel, client)
                yield made
                assert made.stored_good() == made.good
                assert made.writer.is_alive
                assert made.writer.trouble == ""
                made.pool.shutdown()
            by_http.stop()
            by_grpc.stop()


@pytest.mark.parametrize("one", CORPUS, ids=[one.name for one in CORPUS])
def test_each_kind_of_trouble_has_a_clear_answer(target, one):
    assert target.attack(one) <= HTTP_ANSWERS | GRPC_ANSWERS


@settings(max_examples=25, deadline=None)
@given(signal=SIGNAL, seed=SEED)
def test_any_mutated_request_has_a_clear_answer(target, signal, seed):
    assert target.attack(mutated(signal, seed)) <= HTTP_ANSWERS | GRPC_ANSWERS


@settings(max_examples=20, deadline=None)
@given(signal=SIGNAL, seed=SEED)
def test_any_mutated_json_has_a_clear_answer(target, signal, seed):
    assert target.attack(mutated(signal, seed, is_json=True)) <= HTTP_ANSWERS


@pytest.mark.long
@pytest.mark.timeout(1200)
@settings(max_examples=2000, deadline=None)
@given(signal=SIGNAL, seed=SEED, is_json=st.booleans())
def test_thousands_of_mutated_requests_have_a_clear_answer(target, signal, seed, is_json):
    found = target.attack(mutated(signal, seed, is_json=is_json))
    assert found <= HTTP_ANSWERS | GRPC_ANSWERS
