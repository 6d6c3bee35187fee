"""A source is let in, read to the millisecond, and told apart from what is none."""

import base64
import contextlib
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from collector.importing.errors import ImportFailed, TooMuch, Unreachable, UsedWrongly
from collector.importing.plan import parse_match
from collector.importing.source import Login, connect
from tests.collector.receiver.conformance.rig import Authority

UP = parse_match("up")
METRIC = {"__name__": "up", "job": "x"}


class Answers(BaseHTTPRequestHandler):
    """Answers what the server was told to, and notes what it was asked."""

    def do_GET(self):
        parts = urlsplit(self.path)
        self.server.asked.append((parts.path, parse_qs(parts.query), self.headers))
        status, body = self.server.answers[
            min(len(self.server.asked), len(self.server.answers)) - 1
        ]
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def _result(*series):
    return 200, json.dumps({"status": "success", "data": {"result": list(series)}}).encode()


def _refused(status, error):
    return status, json.dumps({"status": "error", "error": error}).encode()


@contextlib.contextmanager
def _serving(*answers, chain=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.answers, server.asked = answers, []
    scheme = "http"
    if chain is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*chain)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_samples_are_those_after_the_start_up_to_the_end():
    points = [[10, "1"], [10.001, "2"], [10.5, "NaN"], [11, "-Inf"], [11.001, "3"]]
    with _serving(_result({"metric": METRIC, "values": points})) as (url, asked):
        (found,) = connect(url, Login()).samples(UP, 10_000, 11_000)
    assert found.labels == tuple(sorted(METRIC.items()))
    assert found.times_ms.tolist() == [10_001, 10_500, 11_000]
    assert [str(value) for value in found.values] == ["2.0", "nan", "-inf"]
    path, query, _ = asked[0]
    assert path == "/api/v1/query"
    assert query == {"query": ['{__name__="up"}[1000ms]'], "time": ["11.0"]}


def test_native_histograms_are_counted_as_left_out():
    both = {"metric": METRIC, "values": [[1, "1"]], "histograms": [[2, {}], [3, {}]]}
    with _serving(_result(both)) as (url, _):
        source = connect(url, Login())
        assert len(source.samples(UP, 0, 5000)) == 1
    assert source.skipped_histograms == 2


@pytest.mark.parametrize(
    ("login", "header"),
    [
        (Login(token="secret"), "Bearer secret"),
        (Login(username="me", password="pass"),
         "Basic " + base64.b64encode(b"me:pass").decode()),
        (Login(), None),
    ],
)  # fmt: skip
def test_a_login_is_shown(login, header):
    with _serving(_result()) as (url, asked):
        connect(url, login).check()
    assert asked[0][2].get("authorization") == header


def test_a_busy_server_is_asked_again():
    with _serving(_refused(503, "busy"), _result()) as (url, asked):
        assert connect(url, Login()).samples(UP, 0, 1000) == []
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (_refused(401, "who?"), Unreachable, "give --token"),
        (_refused(404, "page not found"), Unreachable, "is this the URL of a Prometheus"),
        ((200, b"<html>"), Unreachable, "does not answer as a Prometheus"),
        ((200, b'{"data": 1}'), Unreachable, "does not answer as a Prometheus"),
        (_refused(422, "query processing would load too many samples"), TooMuch, "too many"),
        (_refused(400, "odd"), ImportFailed, "answers 400"),
    ],
)
def test_what_is_wrong_is_told(answer, error, told):
    with _serving(answer) as (url, _), pytest.raises(error, match=told):
        connect(url, Login(), retries=0).samples(UP, 0, 1000)


def test_a_certificate_must_be_trusted_or_all_be(tmp_path):
    authority = Authority(tmp_path)
    with _serving(_result(), chain=authority.issue("server")) as (url, _):
        with pytest.raises(Unreachable, match="--ca"):
            connect(url, Login()).check()
        connect(url, Login(ca=authority.path)).check()


@pytest.mark.parametrize("url", ["", "prometheus:9090", "ftp://x", "http://me:pass@host"])
def test_what_is_no_url_is_used_wrongly(url):
    with pytest.raises(UsedWrongly):
        connect(url, Login())
