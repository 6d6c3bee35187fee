"""OTLP conformance over HTTP: points H11 to H13, who may send."""

import ssl

import httpx
import pytest
from google.rpc.code_pb2 import Code
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector.receiver.access import Access
from collector.receiver.cors import Cors
from collector.receiver.errors import BadCredentialFile
from collector.receiver.tls import TlsFiles
from collector.receiver.tokens import Tokens
from tests.collector.receiver.conformance.rig import (
    GOOD,
    JSON,
    PROTOBUF,
    Authority,
    status_of,
)

TOKEN = "a-token-of-the-tests"


def preflight(client, origin):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, authorization",
    }
    return client.options("/v1/traces", headers=headers)


def test_h11_without_origins_there_is_no_cors(node):
    reply = preflight(node.http, "https://shop.example")
    assert reply.status_code == 405
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("allowed", "origin", "is_allowed"),
    [
        ("https://shop.example", "https://shop.example", True),
        ("https://shop.example", "https://shop.example.evil", False),
        ("https://shop.example", "http://shop.example", False),
        ("https://*.shop.example", "https://eu.shop.example", True),
        ("https://*.shop.example", "https://evil/.shop.example", False),
        ("*", "https://anything.example", True),
    ],
)
def test_h11_pages_of_named_origins_may_send(serve_http, writer, allowed, origin, is_allowed):
    cors = Cors((allowed,), headers=("x-tenant",), max_age_s=600)
    client = serve_http(writer, cors=cors, access=Access(tokens=Tokens.of(TOKEN)))
    reply = preflight(client, origin)

    assert reply.status_code == (204 if is_allowed else 403)
    assert (reply.headers.get("access-control-allow-origin") == origin) == is_allowed
    if is_allowed:
        assert reply.headers["access-control-max-age"] == "600"
        assert reply.headers["access-control-allow-methods"] == "POST"
        for header in ("content-type", "authorization", "x-tenant"):
            assert header in reply.headers["access-control-allow-headers"]
    headers = PROTOBUF | {"Origin": origin, "Authorization": f"Bearer {TOKEN}"}
    for sent in (headers, headers | {"Authorization": ""}):
        reply = client.post("/v1/traces", content=GOOD["traces"], headers=sent)
        assert ("access-control-allow-origin" in reply.headers) == is_allowed
        assert "Origin" in reply.headers["vary"]


@pytest.mark.parametrize("headers", [PROTOBUF, JSON], ids=["protobuf", "json"])
@pytest.mark.parametrize("shown", [None, "Bearer wrong", TOKEN, "Bearer", "Bearer \xff"])
def test_h12_without_a_valid_token_a_request_is_401(serve_http, writer, headers, shown, caplog):
    client = serve_http(writer, access=Access(tokens=Tokens.of(TOKEN)))
    if shown is not None:
        headers = headers | {"Authorization": shown.encode("latin-1")}
    reply = client.post("/v1/traces", content=GOOD["traces"], headers=headers)

    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert status_of(reply).code == Code.UNAUTHENTICATED
    assert TOKEN not in caplog.text + reply.text


def test_h12_with_a_valid_token_it_is_taken(serve_http, writer):
    client = serve_http(writer, access=Access(tokens=Tokens.of("another-good-token", TOKEN)))
    for scheme in ("Bearer", "bearer"):
        headers = PROTOBUF | {"Authorization": f"{scheme} {TOKEN}"}
        reply = client.post("/v1/traces", content=GOOD["traces"], headers=headers)
        assert reply.status_code == 200


def context(authority, client=None):
    trusting = ssl.create_default_context(cafile=authority.path)
    if client:
        trusting.load_cert_chain(*client)
    return trusting


def post_tls(port, trusting):
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusting) as client:
        return client.post("/v1/traces", content=GOOD["traces"], headers=PROTOBUF).status_code


def test_h13_tls_serves_who_trusts_the_authority_and_nobody_in_clear(serve_http, writer, tmp_path):
    ours, other = Authority(tmp_path), Authority(tmp_path, "other")
    client = serve_http(writer, access=Access(TlsFiles(*ours.issue("server"))))

    assert post_tls(client.port, context(ours)) == 200
    for wrong in (context(other), httpx.create_ssl_context()):
        with pytest.raises(httpx.ConnectError):
            post_tls(client.port, wrong)
    with pytest.raises(httpx.TransportError):
        client.post("/v1/traces", content=GOOD["traces"], headers=PROTOBUF)


def test_h13_tls_below_1_2_is_refused(serve_http, writer, tmp_path):
    ours = Authority(tmp_path)
    client = serve_http(writer, access=Access(TlsFiles(*ours.issue("server"))))
    for version, works in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
        trusting = context(ours)
        trusting.minimum_version = trusting.maximum_version = version
        assert (post_tls(client.port, trusting) == 200) == works


def test_h13_mtls_follows_the_client_ca_while_running(serve_http, writer, tmp_path, caplog):
    ours, old, new = (Authority(tmp_path, name) for name in ("ours", "old", "new"))
    files = TlsFiles(*ours.issue("server"), old.path)
    client = serve_http(writer, access=Access(files))
    knows_old = context(ours, old.issue("of-old"))
    knows_new = context(ours, new.issue("of-new"))
    for stranger in (context(ours), knows_new):
        with pytest.raises(httpx.TransportError):
            post_tls(client.port, stranger)
    assert post_tls(client.port, knows_old) == 200

    old.path.write_bytes(b"half a file")  # the old one stays in force
    assert post_tls(client.port, knows_old) == 200
    assert "stay in force" in caplog.text
    new.path.replace(old.path)

    assert post_tls(client.port, knows_new) == 200
    with pytest.raises(httpx.TransportError):
        post_tls(client.port, knows_old)


def test_h13_the_certificate_is_replaced_while_running(serve_http, writer, tmp_path):
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    files = TlsFiles(*old.issue("server"))
    client = serve_http(writer, access=Access(files))
    assert post_tls(client.port, context(old)) == 200

    for fresh, path in zip(new.issue("next"), (files.certificate, files.key), strict=True):
        fresh.replace(path)

    assert post_tls(client.port, context(new)) == 200


def test_h13_a_key_of_another_certificate_is_refused_at_the_start(serve_http, writer, tmp_path):
    ours = Authority(tmp_path)
    chain, key = ours.issue("a")[0], ours.issue("b")[1]
    for files in (TlsFiles(chain, key), TlsFiles(chain, tmp_path / "none")):
        with pytest.raises(BadCredentialFile, match="cannot use"):
            serve_http(writer, access=Access(files))


def test_h13_the_sdk_exports_over_mtls_with_a_token_and_gzip(
    serve_http, node, tmp_path, monkeypatch
):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they would win over the exporter's
        monkeypatch.delenv(name, raising=False)
    ours = Authority(tmp_path)
    access = Access(TlsFiles(*ours.issue("server"), ours.path), Tokens.of(TOKEN))
    client = serve_http(node.writer, access=access)
    chain, key = ours.issue("sdk")
    exporter = OTLPSpanExporter(
        f"https://127.0.0.1:{client.port}/v1/traces",
        certificate_file=str(ours.path),
        client_certificate_file=str(chain),
        client_key_file=str(key),
        headers={"authorization": f"Bearer {TOKEN}"},
        compression=Compression.Gzip,
    )
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.get_tracer("test").start_span("h13 sdk").end()
    tracing.shutdown()

    assert node.named("h13 sdk") == 1
