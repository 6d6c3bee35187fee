"""Secrets of every kind, made by Hypothesis, and places to plant them in."""

import base64
import string

from hypothesis import strategies as st

ALNUM = string.ascii_letters + string.digits
_URLSAFE = ALNUM + "-_"


def _luhn_complete(body: str) -> str:
    digits = [int(char) for char in body]
    total = sum(digit * 2 - 9 * (digit > 4) for digit in digits[::-1][::2]) + sum(
        digits[::-1][1::2]
    )
    return body + str(-total % 10)


def text(alphabet, least, most):
    return st.text(alphabet, min_size=least, max_size=most)


def _grouped(number: str, separator: str) -> str:
    return separator.join(number[place : place + 4] for place in range(0, len(number), 4))


CARDS = st.builds(
    _grouped,
    st.builds(
        _luhn_complete,
        st.one_of(
            st.builds("4{}".format, text(string.digits, 14, 14)),
            st.builds("51{}".format, text(string.digits, 13, 13)),
            st.builds("34{}".format, text(string.digits, 12, 12)),
            st.builds("6011{}".format, text(string.digits, 11, 11)),
        ),
    ),
    st.sampled_from(["", " ", "-"]),
)
EMAILS = st.builds(
    "{}@{}.{}".format,
    text(string.ascii_lowercase + string.digits + "._+-üñ", 1, 12),
    text(string.ascii_lowercase + string.digits, 1, 10),
    st.sampled_from(["com", "org", "co.uk", "museum", "xn--p1ai"]),
)
JWTS = st.builds(
    "eyJ{}.eyJ{}.{}".format,
    text(_URLSAFE, 8, 20), text(_URLSAFE, 8, 20), text(_URLSAFE, 10, 30),
)  # fmt: skip
AWS_KEYS = st.builds(
    "{}{}".format,
    st.sampled_from(["AKIA", "ASIA"]),
    text(string.ascii_uppercase + string.digits, 16, 16),
)
API_KEYS = st.one_of(
    st.builds("ghp_{}".format, text(ALNUM, 36, 36)),
    st.builds("sk_live_{}".format, text(ALNUM, 24, 24)),
    st.builds("xoxb-{}".format, text(ALNUM, 20, 30)),
)
PRIVATE_KEYS = st.builds(
    "-----BEGIN {0} KEY-----\n{1}\n-----END {0} KEY-----".format,
    st.sampled_from(["PRIVATE", "RSA PRIVATE", "ENCRYPTED PRIVATE"]),
    text(ALNUM + "+/\n", 20, 80),
)
WORDS = st.builds("Zq7{}".format, text(ALNUM, 6, 20))
"""What is no secret by its form, but by where it stands. Never part of a place's own words."""


def _basic(word: str) -> str:
    return base64.b64encode(f"user:{word}".encode()).decode()


BY_FORM = st.one_of(EMAILS, CARDS, JWTS, AWS_KEYS, API_KEYS, PRIVATE_KEYS)
BY_PLACE = st.one_of(
    st.tuples(WORDS, st.sampled_from([
        "Bearer {}", "bearer  {}", "password={}", "login failed, password: {} wrong",
        "https://user:{}@db.internal/x", "https://{}@host/", "/cb?token={}&a=b", "/x?a=b&sig={}",
        "/x?API_KEY={}", "Cookie: sid={}; a=b", "authorization: Basic {}", "api_key = '{}'",
        '{{"password": "{}"}}', '[{{"a": {{"Client_Secret": "{}"}}}}]',
        '{{"pass\\u0077ord": "{}"}}', '{{"password": "{}", "password": "x"}}',
    ])),
    st.tuples(WORDS.map(_basic), st.just("basic {}")),
)  # fmt: skip
"""(secret, a text that makes it one)."""

FRAMES = st.sampled_from(["{}", "see {} there", "a, {}; b", "ü {}\nnext", '"{}"', "x=({})", "<{}>"])
"""Clean text around a secret that is told by its form."""

PLANTED = st.one_of(
    BY_PLACE.map(lambda pair: (pair[0], pair[1].format(pair[0]))),
    st.tuples(BY_FORM, FRAMES).map(lambda pair: (pair[0], pair[1].format(pair[0]))),
)
"""(secret, text with the secret in it)."""

CLEAN = st.one_of(
    st.text(string.ascii_letters + " .,-/_\n\"'\\üλ", max_size=30),
    st.sampled_from([
        "GET /cart/{id}", "spiffe://mesh.local/ns/default/sa/cart", "1800000000000000000",
        "2026-11-23T14:31:03.123456Z", "http://cart:8080/api/items?page=2&sort=asc", "10.0.0.1:80",
        "550e8400-e29b-41d4-a716-446655440000", "Mozilla/5.0 (X11; Linux x86_64)",
        "0.4111111111111111",
        "outbound|8080|v1|cart.default.svc.cluster.local", "invalid token: expected ')'",
        "Bearer authentication", "basic information", "max_tokens=100 tokens used", "[1, 2]", "{}",
        '{"a": 1, "b": [true, null]}', "4bf92f3577b34da6a3ce929d0e0e4736", "user@host",
    ]),
)  # fmt: skip
"""What nobody would call a secret."""
