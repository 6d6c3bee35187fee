"""OTLP conformance over gRPC: points G of the checklist, by real clients on free ports."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import grpc
import psutil
import pytest
from google.rpc.code_pb2 import Code
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector.otlp.errors import MalformedPayload
from collector.receiver import errors
from collector.receiver.access import Access
from collector.receiver.admission import Admission
from collector.receiver.export import SIGNALS
from collector.receiver.faults import fault_of
from collector.receiver.grpc import Keepalive
from collector.receiver.tls import TlsFiles
from collector.receiver.tokens import Tokens
from collector.store.errors import BatchRefused, Overloaded, StoreClosed, StoreError, WriteFailed
from dashboards.settings import BadSetting, server_settings
from tests.collector.exports import span_request
from tests.collector.receiver.conformance.rig import (
    BAD,
    GOOD,
    METHODS,
    REJECTED,
    TRACES,
    Authority,
    Http2,
    Stuck,
    call,
    refusal,
)

TOKEN = "a-token-of-the-tests"
LIMIT = 64 * 1024
RETRYABLE = {
    *("CANCELLED", "DEADLINE_EXCEEDED", "ABORTED"),
    *("OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"),
}
"""OTLP's table; RESOURCE_EXHAUSTED is retryable with RetryInfo only."""


@pytest.mark.parametrize("name", list(SIGNALS))
def test_g01_export_of_three_services_answers_with_its_own_response(node, name):
    reply = call(node.grpc, METHODS[name], GOOD[name] + BAD[name])

    response = SIGNALS[name].response_type.FromString(reply)
    assert getattr(response.partial_success, REJECTED[name]) == 1
    assert refusal(node.grpc, f"/{SIGNALS[name].service}/Import", b"").code is (
        grpc.StatusCode.UNIMPLEMENTED
    )


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_g02_a_message_over_the_limit_is_refused_for_good(serve_grpc, writer, compression):
    receiver = serve_grpc(writer, max_message_bytes=LIMIT)
    said = refusal(receiver, TRACES, span_request(name="x" * 2 * LIMIT), compression=compression)

    assert said.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert said.retry_s is None
    call(receiver, TRACES, span_request(name="x" * (LIMIT - 1000)), compression=compression)


def test_g02_a_gzip_bomb_is_not_unpacked(serve_grpc, writer):
    receiver = serve_grpc(writer, max_message_bytes=2**20)
    bomb = b"\0" * 2**26
    refusal(receiver, TRACES, bomb, compression=grpc.Compression.Gzip)  # the sender's own copies
    before = psutil.Process().memory_info().rss
    said = refusal(receiver, TRACES, bomb, compression=grpc.Compression.Gzip)

    assert said.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert psutil.Process().memory_info().rss - before < len(bomb) // 2


@pytest.mark.parametrize(
    ("admission", "code"),
    [
        (Admission(max_requests=2), grpc.StatusCode.UNAVAILABLE),
        (Admission(max_bytes=2 * len(GOOD["traces"])), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
)
def test_g04_overload_says_when_to_come_again(serve_grpc, admission, code):
    sink = Stuck()
    receiver = serve_grpc(sink, admission=admission)
    with ThreadPoolExecutor(2) as senders:
        taken = [senders.submit(call, receiver, TRACES, GOOD["traces"]) for _ in range(2)]
        sink.wait_for(2)
        said = refusal(receiver, TRACES, GOOD["traces"])
        sink.let_go()

    assert (said.code, said.retry_s, admission.refused) == (code, 1, 1)
    assert [reply.result() for reply in taken] == [b"", b""]
    assert (admission.requests, admission.bytes) == (0, 0)


def test_g04_a_full_queue_is_unavailable_with_retry_info(serve_grpc, failing):
    said = refusal(serve_grpc(failing(Overloaded(9, 8))), TRACES, GOOD["traces"])

    assert (said.code, said.retry_s) == (grpc.StatusCode.UNAVAILABLE, 1)


def test_g05_bad_data_are_an_invalid_argument_with_what_is_wrong(node):
    said = refusal(node.grpc, TRACES, b"<html>")

    assert said.code is grpc.StatusCode.INVALID_ARGUMENT
    assert said.status.code == Code.INVALID_ARGUMENT
    assert said.violations == [said.message]


def every(kind):
    """Yield a class and all that are made of it."""
    yield kind
    for child in kind.__subclasses__():
        yield from every(child)


PERMANENT = {
    MalformedPayload,
    BatchRefused,
    errors.Unauthenticated,
    errors.ForbiddenOrigin,
    errors.NoSuchPath,
    errors.WrongMethod,
    errors.UnsupportedMedia,
    errors.TooLarge,
}


@pytest.mark.parametrize(
    "kind",
    [
        *every(StoreError),
        *every(errors.Refused),
        *(MalformedPayload, TimeoutError, KeyError, OSError, MemoryError, RecursionError),
    ],
)
def test_g06_only_what_will_never_succeed_has_a_code_that_is_not_retried(kind, caplog):
    error = kind.__new__(kind)
    fault = fault_of(error)
    name = Code.Name(fault.code)
    is_told_to_retry = name in RETRYABLE or (
        name == "RESOURCE_EXHAUSTED" and fault.retry_after_s is not None
    )

    assert is_told_to_retry == (kind not in PERMANENT)
    assert name not in {"UNKNOWN", "INTERNAL", "OK"}
    assert (fault.http_status in {429, 502, 503, 504}) == is_told_to_retry
    assert fault.http_status != HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize("error", [KeyError("a bug"), WriteFailed("disk"), StoreClosed("end")])
def test_g06_what_nobody_foresaw_is_unavailable(serve_grpc, failing, error):
    said = refusal(serve_grpc(failing(error)), TRACES, GOOD["traces"])

    assert (said.code, said.retry_s) == (grpc.StatusCode.UNAVAILABLE, 1)


def test_g07_many_calls_share_a_connection(serve_grpc):
    sink = Stuck()
    receiver = serve_grpc(sink)
    with grpc.insecure_channel(f"127.0.0.1:{receiver.port}") as channel:
        calls = [channel.unary_unary(TRACES).future(GOOD["traces"], timeout=20) for _ in range(100)]
        sink.wait_for(100)
        sink.let_go()

        assert {reply.result() for reply in calls} == {b""}


def test_g07_calls_beyond_the_bound_are_unavailable_and_those_within_end_well(serve_grpc):
    sink = Stuck()
    receiver = serve_grpc(sink, admission=Admission(max_requests=5))
    with grpc.insecure_channel(f"127.0.0.1:{receiver.port}") as channel:
        calls = [channel.unary_unary(TRACES).future(GOOD["traces"], timeout=20) for _ in range(50)]
        sink.wait_for(5)
        while sum(reply.done() for reply in calls) < 45:
            time.sleep(0.01)
        sink.let_go()
        codes = [reply.code() for reply in calls]

    assert codes.count(grpc.StatusCode.OK) == 5
    assert codes.count(grpc.StatusCode.UNAVAILABLE) == 45


def test_g07_calls_that_send_nothing_are_cut_off_and_make_room(serve_grpc, node, caplog):
    receiver = serve_grpc(node.writer, admission=Admission(max_requests=2), message_s=0.3)
    never = threading.Event()

    def silence():
        never.wait(20)
        yield from ()

    with grpc.insecure_channel(f"127.0.0.1:{receiver.port}") as channel:
        silent = [channel.stream_unary(TRACES).future(silence()) for _ in range(2)]
        codes = {quiet.code() for quiet in silent}
        never.set()

    assert codes == {grpc.StatusCode.CANCELLED}
    assert "unexpected" not in caplog.text
    assert call(receiver, TRACES, GOOD["traces"]) == b""


def test_g07_a_call_without_a_message_is_an_invalid_argument(node):
    channel = grpc.insecure_channel(f"127.0.0.1:{node.grpc.port}")
    with channel, pytest.raises(grpc.RpcError) as caught:
        channel.stream_unary(TRACES)(iter(()), timeout=20)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_g08_pings_of_a_client_without_calls_are_welcome(serve_grpc, writer):
    connection = Http2(serve_grpc(writer, keepalive=Keepalive(min_client_ping_s=0.05)).port)
    for _ in range(8):
        time.sleep(0.06)
        connection.ping()
        assert connection.read(Http2.PING, Http2.GOAWAY)[0] == Http2.PING
    connection.close()


def test_g08_a_flood_of_pings_is_sent_away(serve_grpc, writer):
    connection = Http2(serve_grpc(writer).port)
    kind = Http2.PING
    while kind == Http2.PING:
        connection.ping()
        kind, reason = connection.read(Http2.PING, Http2.GOAWAY)

    assert b"too_many_pings" in reason
    connection.close()


def test_g08_a_connection_of_age_is_ended_and_its_client_comes_again(serve_grpc, node):
    keepalive = Keepalive(max_age_s=0.2, max_age_grace_s=1)
    receiver = serve_grpc(node.writer, keepalive=keepalive)
    connection = Http2(receiver.port)
    with grpc.insecure_channel(f"127.0.0.1:{receiver.port}") as channel:
        export = channel.unary_unary(TRACES)
        export(GOOD["traces"], timeout=20)

        assert b"max_age" in connection.read(Http2.GOAWAY)[1]
        assert export(GOOD["traces"], timeout=20, wait_for_ready=True) == b""
    connection.close()


def channel_credentials(authority, client=None):
    chain, key = client or (None, None)
    return grpc.ssl_channel_credentials(
        authority.path.read_bytes(), key and key.read_bytes(), chain and chain.read_bytes()
    )


def test_g09_tls_serves_who_trusts_the_authority_and_nobody_in_clear(serve_grpc, node, tmp_path):
    ours, other = Authority(tmp_path), Authority(tmp_path, "other")
    receiver = serve_grpc(node.writer, access=Access(TlsFiles(*ours.issue("server"))))

    assert call(receiver, TRACES, GOOD["traces"], credentials=channel_credentials(ours)) == b""
    assert refusal(receiver, TRACES, GOOD["traces"]).code is grpc.StatusCode.UNAVAILABLE
    untrusted = channel_credentials(other)
    said = refusal(receiver, TRACES, GOOD["traces"], credentials=untrusted)
    assert said.code is grpc.StatusCode.UNAVAILABLE


def test_g09_mtls_refuses_a_client_without_a_certificate_of_the_client_ca(
    serve_grpc, node, tmp_path
):
    ours, clients = Authority(tmp_path), Authority(tmp_path, "clients")
    files = TlsFiles(*ours.issue("server"), clients.path)
    receiver = serve_grpc(node.writer, access=Access(files))
    known = channel_credentials(ours, clients.issue("known"))

    assert call(receiver, TRACES, GOOD["traces"], credentials=known) == b""
    for stranger in (channel_credentials(ours), channel_credentials(ours, ours.issue("stranger"))):
        said = refusal(receiver, TRACES, GOOD["traces"], credentials=stranger)
        assert said.code is grpc.StatusCode.UNAVAILABLE


def test_g09_certificates_are_replaced_while_running(serve_grpc, node, tmp_path, caplog):
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    chain, key = old.issue("server")
    receiver = serve_grpc(node.writer, access=Access(TlsFiles(chain, key)))
    trusts_old, trusts_new = channel_credentials(old), channel_credentials(new)
    assert call(receiver, TRACES, GOOD["traces"], credentials=trusts_old) == b""

    next_chain, next_key = new.issue("next")
    next_chain.replace(chain)  # half of the pair: the old one stays in force
    assert call(receiver, TRACES, GOOD["traces"], credentials=trusts_old) == b""
    assert "stay in force" in caplog.text
    next_key.replace(key)

    assert call(receiver, TRACES, GOOD["traces"], credentials=trusts_new) == b""


def test_g09_plaintext_is_for_this_machine_unless_one_says_so(tmp_path):
    tls = {"otlp_tls_cert": tmp_path / "a", "otlp_tls_key": tmp_path / "b"}
    tokens = {"otlp_token_file": tmp_path / "c"}
    remote = {"otlp_grpc": "0.0.0.0:4317", "otlp_http": "0.0.0.0:4318"}
    for flags in ({}, tls, tokens):
        with pytest.raises(BadSetting, match=r"--otlp-grpc 0\.0\.0\.0 can be reached"):
            server_settings(**remote, **flags)

    server_settings(**remote, **tls, **tokens)
    server_settings(**remote, **tls, otlp_client_ca=tmp_path / "d")
    server_settings(**remote, allow_remote=True)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        (("authorization", "Bearer wrong"),),
        (("authorization", TOKEN),),
        (("authorization", f"Basic {TOKEN}"),),
    ],
)
def test_g10_without_a_valid_token_a_call_is_unauthenticated(serve_grpc, node, metadata, caplog):
    receiver = serve_grpc(node.writer, access=Access(tokens=Tokens.of(TOKEN)))
    said = refusal(receiver, TRACES, GOOD["traces"], metadata=metadata)

    assert (said.code, said.retry_s) == (grpc.StatusCode.UNAUTHENTICATED, None)
    assert said.status.code == Code.UNAUTHENTICATED
    assert TOKEN not in caplog.text + said.message


def test_g10_a_token_of_the_file_is_good_and_the_file_may_change(serve_grpc, node, tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# the fleet\n{TOKEN}\n")
    receiver = serve_grpc(node.writer, access=Access(tokens=Tokens.of(path=path)))
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    assert call(receiver, TRACES, GOOD["traces"], metadata=metadata) == b""

    path.write_text("another-token-of-the-tests\n")
    said = refusal(receiver, TRACES, GOOD["traces"], metadata=metadata)
    assert said.code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("content", ["", "# nothing\n", "short\n", b"\xff\xfe"])
def test_g10_a_token_file_without_good_tokens_is_refused(tmp_path, content):
    path = tmp_path / "tokens"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(errors.BadCredentialFile, match="tokens") as caught:
        Tokens.of(path=path)
    assert "short" not in str(caught.value)


def test_g10_the_sdk_exports_over_mtls_with_a_token_and_gzip(serve_grpc, node, tmp_path):
    ours = Authority(tmp_path)
    access = Access(TlsFiles(*ours.issue("server"), ours.path), Tokens.of(TOKEN))
    receiver = serve_grpc(node.writer, access=access)
    exporter = OTLPSpanExporter(
        f"https://127.0.0.1:{receiver.port}",
        credentials=channel_credentials(ours, ours.issue("sdk")),
        headers={"authorization": f"Bearer {TOKEN}"},
        compression=grpc.Compression.Gzip,
    )
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.get_tracer("test").start_span("g10 sdk").end()
    tracing.shutdown()

    assert node.named("g10 sdk") == 1


def test_g12_at_the_end_calls_in_flight_are_committed_and_later_ones_unavailable(serve_grpc):
    sink = Stuck()
    receiver = serve_grpc(sink)
    with grpc.insecure_channel(f"127.0.0.1:{receiver.port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        in_flight = channel.unary_unary(TRACES).future(GOOD["traces"], timeout=20)
        sink.wait_for(1)
        ending = threading.Thread(target=receiver.stop)
        ending.start()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        late = refusal(receiver, TRACES, GOOD["traces"])
        sink.let_go()

        assert in_flight.result() == b""
        assert (late.code, late.retry_s) == (grpc.StatusCode.UNAVAILABLE, 1)
        watch.cancel()
    ending.join(20)
    assert not ending.is_alive()
