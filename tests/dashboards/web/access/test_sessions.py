"""A session is known by its signature alone, and ends in each of four ways."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from hypothesis import given
from hypothesis import strategies as st

from collector.receiver.tokens import digest
from dashboards.web.access.sessions import LASTS_S, Sessions

ANN, BEN = digest("the-token-of-ann"), digest("the-token-of-ben")
KNOWN = (BEN, ANN)


def test_a_session_is_of_the_token_that_began_it():
    sessions = Sessions(lambda: 100)
    assert sessions.holder(sessions.begin(ANN), KNOWN) == ANN
    assert sessions.holder(sessions.begin(BEN), KNOWN) == BEN


def test_it_ends_with_its_time_its_token_its_process_and_its_logout():
    now_s = [100.0]
    sessions = Sessions(lambda: now_s[0])
    cookie, other = sessions.begin(ANN), sessions.begin(ANN)

    assert sessions.holder(cookie, (BEN,)) is None
    assert Sessions(lambda: 100).holder(cookie, KNOWN) is None
    sessions.end(cookie, KNOWN)
    assert sessions.holder(cookie, KNOWN) is None
    assert sessions.holder(other, KNOWN) == ANN
    now_s[0] += LASTS_S
    assert sessions.holder(other, KNOWN) is None


def test_what_was_logged_out_is_forgotten_when_it_would_have_ended():
    now_s = [100.0]
    sessions = Sessions(lambda: now_s[0])
    for _ in range(50):
        sessions.end(sessions.begin(ANN), KNOWN)
        now_s[0] += LASTS_S / 10
    assert len(sessions._ended) <= 11


@given(place=st.integers(0, 59), change=st.integers(1, 255))
def test_a_cookie_with_any_byte_changed_is_no_session(place, change):
    sessions = Sessions(lambda: 100)
    cookie = bytearray(urlsafe_b64decode(sessions.begin(ANN)))
    assert len(cookie) == 60
    cookie[place] ^= change
    assert sessions.holder(urlsafe_b64encode(cookie).decode(), KNOWN) is None


@given(st.text())
def test_no_text_is_a_session(text):
    assert Sessions(lambda: 0).holder(text, KNOWN) is None
