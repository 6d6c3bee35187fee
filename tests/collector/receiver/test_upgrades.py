"""An offer to upgrade never reaches the parser, however the headers are cut into pieces."""

import itertools

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.receiver.upgrades import without_offers

BODY = b"\r\nUpgrade: is text here\r\n\r\n"


def post(*headers):
    lines = ["POST /v1/traces HTTP/1.1", "Host: a", *headers, f"Content-Length: {len(BODY)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + BODY


OFFERS = [
    post("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"),
    post("uPGRADE: websocket", "connection: upgrade"),
    post("Connection: Upgrade", "Upgrade: h2c", "Upgrade: h3"),
    post("X-Upgrade: no", "Upgrade-Insecure-Requests: 1"),
    post(),
]


class Seen:
    """What a parser made of the bytes."""

    def __init__(self):
        self.body, self.headers, self.ends = b"", [], 0

    def on_header(self, name, value):
        self.headers.append((name.lower(), value))

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.ends += 1


def parse(pieces):
    seen, held = Seen(), b""
    parser = httptools.HttpRequestParser(seen)
    in_headers = True
    for piece in pieces:
        if in_headers:
            passed, held = without_offers(held, piece)
            in_headers = b"\r\n\r\n" not in passed
        else:
            passed = piece
        if passed:
            parser.feed_data(passed)
    return seen


@given(request=st.sampled_from(OFFERS), cuts=st.lists(st.integers(0, 250), max_size=12))
def test_the_body_arrives_whole_and_once_however_the_request_is_cut(request, cuts):
    marks = [0, *sorted(min(cut, len(request)) for cut in cuts), len(request)]
    seen = parse(request[a:b] for a, b in itertools.pairwise(marks))

    assert (seen.body, seen.ends) == (BODY, 1)
    assert b"upgrade" not in dict(seen.headers)


@pytest.mark.parametrize("request_", OFFERS)
def test_one_byte_at_a_time_is_no_other_request(request_):
    seen = parse(bytes([byte]) for byte in request_)
    assert (seen.body, seen.ends) == (BODY, 1)


def test_other_headers_stay_as_they_are():
    request = OFFERS[3]
    assert without_offers(b"", request) == (request, b"")
