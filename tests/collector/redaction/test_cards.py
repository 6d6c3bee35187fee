"""Card numbers are found by issuer, length and check digit, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.redaction.cards import find_cards, is_card
from tests.collector.redaction.secrets import CARDS


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "4222222222222",
    ],
)
def test_the_test_numbers_of_the_issuers_are_cards(number):
    assert is_card(number.encode())


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "1800000000000000",
        "0.4111111111111111",
        "41111111111111110",
        "",
        "2026-11-23 14:31:03.123",
        "550e8400-e29b-41d4-a716-446655440000",
        "4111-1111",
        "4111111111111111a",
        "f4111111111111111",
        "3.4111111111111111",
    ],
)
def test_other_numbers_are_not(text):
    assert find_cards(text.encode()) == []


@given(before=st.sampled_from(["", "no ", "7 ", "12-", "x "]), card=CARDS,
       after=st.sampled_from(["", " 3", "-99", ".", " y"]))  # fmt: skip
def test_a_card_is_found_whole_beside_other_numbers(before, card, after):
    text = f"{before}{card}{after}".encode()
    found = [text[start:end].decode() for start, end in find_cards(text)]

    assert any(card in one or one in card for one in found)
    assert card.encode() not in b"".join(
        text[end:start] for (_, end), (start, _) in
        zip([(0, 0), *find_cards(text)], [*find_cards(text), (len(text), 0)], strict=True)
    )  # fmt: skip
