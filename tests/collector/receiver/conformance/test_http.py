"""OTLP conformance over HTTP: points H of the checklist, by clients and raw sockets."""

import asyncio
import gzip
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from backports import zstd
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, RetryInfo

from collector.receiver.admission import Admission
from collector.receiver.export import SIGNALS
from collector.receiver.http_connection import Deadlines
from collector.store.errors import Overloaded, WriteFailed
from tests.collector.exports import span_request
from tests.collector.receiver.conformance.rig import (
    BAD,
    GOOD,
    JSON,
    PROTOBUF,
    REJECTED,
    Stuck,
    detail,
    json_request,
    json_span,
    raw,
    status_of,
)

LIMIT = 64 * 1024
PACKERS = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}


@pytest.mark.parametrize("headers", [PROTOBUF, JSON, {}], ids=["protobuf", "json", "none"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *((method, "/v1/traces", 405) for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS")),
        *(("POST", path, 404) for path in ("/", "/v1/trace", "/v1/traces/", "/v2/traces")),
        ("GET", "/metrics", 404),
    ],
)
def test_h01_other_paths_and_methods_are_refused(node, headers, method, path, status):
    reply = node.http.request(method, path, headers=headers)

    assert reply.status_code == status
    assert (reply.headers.get("allow") == "POST") == (status == 405)
    assert len(status_of(reply).message) > 10
    assert ("protobuf" in reply.headers["content-type"]) == (headers is PROTOBUF)


def test_h01_the_paths_may_be_others(serve_http, writer, count):
    client = serve_http(writer, paths={"/in/t": "traces", "/in/l": "logs"})
    reply = client.post("/in/t", content=GOOD["traces"], headers=PROTOBUF)

    assert (reply.status_code, count("spans")) == (200, 1)
    refused = client.post("/v1/traces", content=GOOD["traces"], headers=PROTOBUF)
    assert refused.status_code == 404
    assert status_of(refused).message == "there is no /v1/traces; POST to /in/t, /in/l"


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-ndjson", "application/grpc"])
def test_h01_other_content_types_are_415(node, kind):
    reply = node.http.post("/v1/traces", content=b"x", headers={"Content-Type": kind or ""})

    assert reply.status_code == 415
    assert "application/x-protobuf or application/json" in status_of(reply).message


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("application/x-protobuf", "application/x-protobuf"),
        ("Application/X-Protobuf; proto=x", "application/x-protobuf"),
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/JSON;charset=UTF-8", "application/json"),
    ],
)
def test_h02_the_content_type_chooses_the_encoding_of_both_ways(node, kind, answer):
    content = GOOD["traces"] if "protobuf" in answer else json_request(json_span())
    reply = node.http.post("/v1/traces", content=content, headers={"Content-Type": kind})

    assert (reply.status_code, reply.headers["content-type"]) == (200, answer)
    assert reply.content == (b"" if "protobuf" in answer else b"{}")


@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.parametrize("damage", [lambda _: b"no such thing", lambda body: body[:-5]])
def test_h03_what_cannot_be_unpacked_is_400(node, encoding, damage):
    body = damage(PACKERS[encoding](GOOD["traces"]))
    headers = PROTOBUF | {"Content-Encoding": encoding}
    reply = node.http.post("/v1/traces", content=body, headers=headers)

    assert reply.status_code == 400
    assert encoding in status_of(reply).message


@pytest.mark.parametrize("encoding", ["br", "snappy", "gzip, gzip"])
def test_h03_an_unknown_encoding_is_415(node, encoding):
    headers = PROTOBUF | {"Content-Encoding": encoding}
    reply = node.http.post("/v1/traces", content=b"x", headers=headers)

    assert (reply.status_code, status_of(reply).code) == (415, Code.INVALID_ARGUMENT)
    assert reply.headers["accept-encoding"] == "gzip, deflate, zstd"


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("br", False)],
)
def test_h03_a_long_answer_is_gzip_if_the_sender_takes_it(node, accepted, is_packed):
    headers = PROTOBUF | {"Accept-Encoding": accepted}
    reply = node.http.post("/v1/" + "x" * 300, headers=headers)

    assert (reply.headers.get("content-encoding") == "gzip") == is_packed
    assert reply.headers["vary"] == "Accept-Encoding"
    assert "xxx" in status_of(reply).message


@pytest.mark.parametrize("encoding", [None, *PACKERS])
@pytest.mark.parametrize("kind", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_h04_a_body_over_the_limit_is_413_also_after_decompression(
    serve_http, writer, encoding, kind
):
    client = serve_http(writer, max_body_bytes=LIMIT)
    for size, status in ((2 * LIMIT, 413), (LIMIT // 2, 200)):
        name = "x" * size
        body = span_request(name=name) if kind is PROTOBUF else json_request(json_span(name=name))
        headers = kind | ({"Content-Encoding": encoding} if encoding else {})
        packed = PACKERS[encoding](body) if encoding else body
        reply = client.post("/v1/traces", content=packed, headers=headers)
        assert reply.status_code == status
        assert status == 200 or "larger than 65536 bytes" in status_of(reply).message
        assert "retry-after" not in reply.headers


def test_h04_a_chunked_body_over_the_limit_is_413(serve_http, writer):
    client = serve_http(writer, max_body_bytes=LIMIT)
    chunks = (b"x" * 1024 for _ in range(100))

    assert client.post("/v1/traces", content=chunks, headers=PROTOBUF).status_code == 413


@pytest.mark.parametrize("encoding", PACKERS)
def test_h04_a_bomb_is_not_unpacked(serve_http, writer, encoding):
    client = serve_http(writer, max_body_bytes=2**20)
    bomb = PACKERS[encoding](b"\0" * 2**26)
    before = psutil.Process().memory_info().rss
    headers = PROTOBUF | {"Content-Encoding": encoding}
    reply = client.post("/v1/traces", content=bomb, headers=headers)

    assert reply.status_code == 413
    assert psutil.Process().memory_info().rss - before < 2**25


def test_h04_a_zstd_window_over_8_mib_is_400(node):
    window = {zstd.CompressionParameter.window_log: 24}
    body = zstd.compress(span_request(name="x" * 2**25), options=window)
    headers = PROTOBUF | {"Content-Encoding": "zstd"}

    assert node.http.post("/v1/traces", content=body, headers=headers).status_code == 400


@pytest.mark.parametrize("name", list(SIGNALS))
def test_h05_success_is_200_with_an_export_response(node, name):
    reply = node.http.post(f"/v1/{name}", content=GOOD[name] + BAD[name], headers=PROTOBUF)

    assert reply.status_code == 200
    partial = SIGNALS[name].response_type.FromString(reply.content).partial_success
    assert getattr(partial, REJECTED[name]) == 1


@pytest.mark.parametrize("headers", [PROTOBUF, JSON], ids=["protobuf", "json"])
@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("POST", "/v1/traces", {}, 400),
        ("POST", "/v1/nothing", {}, 404),
        ("GET", "/v1/traces", {}, 405),
        ("POST", "/v1/traces", {"Content-Encoding": "br"}, 415),
    ],
)
def test_h06_every_error_has_a_status_in_the_encoding_of_the_request(
    node, headers, method, path, more, status
):
    reply = node.http.request(method, path, content=b"<html>", headers=headers | more)

    assert (reply.status_code, reply.headers["content-type"]) == (status, headers["Content-Type"])
    found = status_of(reply)
    assert found.message
    assert found.code != Code.OK


def test_h06_what_is_no_http_gets_a_status_too(node):
    reply = raw(node.http.base_url.port, b"\x00\x01\x02 hello\r\n\r\n")

    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in reply
    assert b'"message"' in reply


def test_h07_undecodable_data_are_400_with_what_is_wrong(node):
    reply = node.http.post("/v1/traces", content=b"<html>", headers=PROTOBUF)

    assert reply.status_code == 400
    assert detail(status_of(reply), BadRequest).field_violations[0].description
    reply = node.http.post("/v1/traces", content=b"<html>", headers=JSON)
    assert reply.json()["details"][0]["@type"].endswith("google.rpc.BadRequest")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Overloaded(9, 8), 429),
        (WriteFailed("no space"), 503),
        (TimeoutError(), 503),
        (KeyError("a bug"), 503),
        (MemoryError(), 503),
    ],
)
def test_h08_what_passes_is_429_or_503_and_says_when(serve_http, failing, error, status):
    reply = serve_http(failing(error)).post("/v1/logs", content=GOOD["logs"], headers=PROTOBUF)

    assert (reply.status_code, reply.headers["retry-after"]) == (status, "1")
    assert detail(status_of(reply), RetryInfo).retry_delay.seconds == 1


@pytest.mark.parametrize(
    ("admission", "status"),
    [
        (Admission(max_requests=2), 503),
        (Admission(max_bytes=2 * len(GOOD["traces"])), 429),
    ],
)
def test_h08_beyond_the_bound_requests_are_told_to_come_again(serve_http, admission, status):
    sink = Stuck()
    client = serve_http(sink, admission=admission)

    def send():
        return client.post("/v1/traces", content=GOOD["traces"], headers=PROTOBUF)

    with ThreadPoolExecutor(2) as senders:
        taken = [senders.submit(send) for _ in range(2)]
        sink.wait_for(2)
        reply = send()
        sink.let_go()

    assert (reply.status_code, reply.headers["retry-after"]) == (status, "1")
    assert [taking.result().status_code for taking in taken] == [200, 200]
    assert (admission.requests, admission.bytes) == (0, 0)


def test_h08_waiting_for_commits_holds_no_thread(serve_http):
    sink = Stuck()
    client = serve_http(sink)

    async def send_many():
        async with httpx.AsyncClient(base_url=client.base_url, timeout=20) as many:
            posts = [
                many.post("/v1/traces", content=GOOD["traces"], headers=PROTOBUF) for _ in range(80)
            ]
            sending = asyncio.gather(*posts)
            await asyncio.to_thread(sink.wait_for, 80)
            threads = [thread.name for thread in threading.enumerate()]
            sink.let_go()
            return threads, await sending

    threads, replies = asyncio.run(send_many())
    assert {reply.status_code for reply in replies} == {200}
    assert len([name for name in threads if name.startswith("otlp-http")]) <= 5


POST = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"


def test_h09_a_connection_is_kept_for_the_next_request(node):
    request = POST + b"Content-Length: 0\r\n\r\n"
    last = POST + b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    replies = raw(node.http.base_url.port, request * 3 + last)

    assert replies.count(b"HTTP/1.1 200 OK") == 4


@pytest.mark.parametrize(
    ("sent", "deadlines"),
    [
        (b"", Deadlines(headers_s=0.2)),
        (POST, Deadlines(headers_s=0.2)),
        (b"\r\n", Deadlines(headers_s=0.2)),
        (POST + b"Content-Length: 9\r\n\r\nabc", Deadlines(body_s=0.2)),
        (POST + b"Content-Length: 0\r\n\r\n", Deadlines(idle_s=1)),
        (POST + b"Content-Length: 0\r\n\r\n" + POST, Deadlines(headers_s=0.2)),
    ],
)
def test_h09_a_sender_that_is_too_slow_is_cut_off(serve_http, writer, sent, deadlines):
    admission = Admission()
    client = serve_http(writer, deadlines=deadlines, admission=admission)
    reply = raw(client.port, sent)  # ends when the server closes

    assert reply.count(b"HTTP/1.1") == sent.count(b"Content-Length: 0")
    while (admission.requests, admission.bytes) != (0, 0):
        time.sleep(0.01)


def test_h09_trickled_headers_are_cut_off_too(serve_http, writer):
    client = serve_http(writer, deadlines=Deadlines(headers_s=0.3))
    with socket.create_connection(("127.0.0.1", client.port), 10) as connection:
        connection.setblocking(False)
        for byte in POST[:-2] * 100:
            try:
                connection.send(bytes([byte]))
                if connection.recv(1) == b"":
                    return
            except BlockingIOError:
                time.sleep(0.02)
            except ConnectionError:
                return
    raise AssertionError("never cut off")


@pytest.mark.parametrize("header", [b"X: " + b"x" * 70_000, b"X: y\r\n" * 15_000])
def test_h09_headers_without_end_are_400(node, header):
    reply = raw(node.http.base_url.port, POST + header)

    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"headers are too large" in reply


def test_h10_data_sent_again_after_a_lost_reply_are_not_doubled(node):
    body = span_request(name="h10")
    request = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", node.http.base_url.port), 10) as connection:
            connection.sendall(request)  # and gone before the reply
    while not node.named("h10"):
        time.sleep(0.01)
    assert node.http.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 200

    assert node.named("h10") == 1


def test_h08_at_the_end_requests_in_flight_are_committed(serve_http):
    sink = Stuck()
    client = serve_http(sink)
    with ThreadPoolExecutor(1) as sender:
        reply = sender.submit(client.post, "/v1/traces", content=GOOD["traces"], headers=PROTOBUF)
        sink.wait_for(1)
        ending = threading.Thread(target=client.receiver.stop)
        ending.start()
        time.sleep(0.3)
        sink.let_go()

        assert reply.result().status_code == 200
    ending.join(20)
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{client.base_url}/v1/traces", content=b"")
