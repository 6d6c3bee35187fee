"""Guesses are counted by address, and the count itself takes no room without end."""

import pytest

from dashboards.web.access.tries import MOST, WITHIN_S, Tries


def guess(tries, address, times=MOST, since=0):
    for number in range(since, since + times):
        tries.failed(address, number.to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("guesser", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "", True),
        ("testclient", "another", False),
    ],
)
def test_an_address_is_locked_out_with_its_network(guesser, other, is_same):
    tries = Tries(lambda: 5.0)
    guess(tries, guesser)
    assert tries.wait_s(guesser) == WITHIN_S
    assert (tries.wait_s(other) > 0) == is_same


def test_a_minute_is_of_the_first_guess():
    now_s = [0.0]
    tries = Tries(lambda: now_s[0])
    guess(tries, "a", MOST - 1)
    now_s[0] = 59.0
    assert tries.wait_s("a") == 0
    guess(tries, "a", 1, since=99)
    assert tries.wait_s("a") == 1
    now_s[0] = 60.0
    assert tries.wait_s("a") == 0
    guess(tries, "a", 1)
    assert tries.wait_s("a") == 0


def test_many_addresses_take_bounded_room_and_the_oldest_goes_first():
    now_s = [0.0]
    tries = Tries(lambda: now_s[0])
    for number in range(5000):
        guess(tries, f"10.0.{number // 250}.{number % 250}", MOST if number == 4999 else 1)
    assert len(tries._wrong) <= 4096
    assert tries.wait_s("10.0.19.249") == WITHIN_S
    now_s[0] = 61.0
    guess(tries, "192.0.2.1")
    assert len(tries._wrong) == 1
