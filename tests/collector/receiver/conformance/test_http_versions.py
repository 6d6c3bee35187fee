"""OTLP conformance over HTTP: which versions of HTTP are spoken (H14).

OTLP lets a server choose: "Implementations MAY use HTTP/1.1 or HTTP/2 transports. Implementations
that use HTTP/2 transport SHOULD fallback to HTTP/1.1 transport if HTTP/2 connection cannot be
established." So a client of HTTP/2 must learn at once that it shall fall back.
"""

import socket
import ssl

import pytest
from google.protobuf import json_format
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from collector.receiver.access import Access
from collector.receiver.tls import TlsFiles
from tests.collector.exports import span_request
from tests.collector.receiver.conformance.rig import GOOD, PROTOBUF, Authority, raw

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def test_h14_a_client_that_offers_http_2_over_tls_falls_back_in_the_handshake(
    serve_http, writer, authority
):
    port = serve_http(writer, access=Access(TlsFiles(*authority.issue("server")))).port
    offering = ssl.create_default_context(cafile=authority.path)
    offering.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        offering.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
    ):
        assert wrapped.selected_alpn_protocol() == "http/1.1"


def test_h14_prior_knowledge_of_http_2_in_clear_is_refused_at_once(serve_http, writer):
    said = raw(serve_http(writer).port, PREFACE)

    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in head
    status = json_format.Parse(body, Status())
    assert (status.code, "HTTP/1.1" in status.message) == (Code.INVALID_ARGUMENT, True)


def test_h14_an_offer_to_upgrade_is_passed_over(serve_http, writer, count):
    client = serve_http(writer)
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c",
             "HTTP2-Settings": "AAMAAABkAAQAAP__"}  # fmt: skip
    for number in (1, 2):
        body = span_request(span_id=bytes([number] * 8))
        reply = client.post("/v1/traces", content=body, headers=PROTOBUF | offer)
        assert (reply.http_version, reply.status_code) == ("HTTP/1.1", 200)

    assert count("spans") == 2


def test_h14_an_offer_behind_another_request_is_never_a_success(serve_http, writer):
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: {PROTOBUF['Content-Type']}\r\n"
        f"Content-Length: {len(GOOD['traces'])}\r\n"
    ).encode()
    offer = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    one = head + b"\r\n" + GOOD["traces"]
    said = raw(serve_http(writer).port, one + head + offer + b"\r\n" + GOOD["traces"])

    assert said.count(b"HTTP/1.1 ") - said.count(b"HTTP/1.1 400 ") <= 1
    assert b"HTTP/1.1 400 " in said
