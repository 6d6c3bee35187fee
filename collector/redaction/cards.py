"""Card numbers in a text: digits of a known issuer and length that pass the Luhn check.

The three together keep timestamps and other long numbers: of random 16-digit numbers about one in
thirty is taken for a card. Digits may be parted by single spaces or hyphens, as on a card; those
beside a letter belong to an id in hex, and are none.
Spec: ISO/IEC 7812-1, annex B (Luhn).
"""

import re
from typing import Final

_RUN: Final = re.compile(rb"[0-9](?:[ -]?[0-9]){12,}")
_GROUP: Final = re.compile(rb"[0-9]+")
_LONGEST: Final = 19

_ISSUERS: Final = re.compile(
    rb"4(?:[0-9]{12}|[0-9]{15})"  # Visa
    rb"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    rb"|3[47][0-9]{13}"  # American Express
    rb"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}"  # Discover
    rb"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    rb"|3(?:0[0-5]|[68][0-9])[0-9]{11}(?:[0-9]{2})?"  # Diners Club
    rb"|62[0-9]{14}(?:[0-9]{3})?"  # UnionPay
    rb"|(?:50|5[6-8]|63|67)[0-9]{14}"  # Maestro
)


def find_cards(text: bytes) -> list[tuple[int, int]]:
    """Return where card numbers stand, in order, without overlaps."""
    return [span for run in _RUN.finditer(text) for span in _in_run(text, *run.span())]


def is_card(digits: bytes) -> bool:
    """Tell whether digits, without separators, are a card number."""
    return _ISSUERS.fullmatch(digits) is not None and _luhn(digits) % 10 == 0


def _luhn(digits: bytes) -> int:
    total = 0
    for place, char in enumerate(reversed(digits)):
        doubled = (char - 48) * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return total


def _in_run(text: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Try every row of whole groups: a card may stand beside other numbers."""
    groups = [group.span() for group in _GROUP.finditer(text, start, end)]
    if text[start - 1 : start].isalpha() or _ends_in_point(text[max(start - 2, 0) : start]):
        groups = groups[1:]
    if text[end : end + 1].isalpha():
        groups = groups[:-1]
    found: list[tuple[int, int]] = []
    first = 0
    while first < len(groups):
        last = _card_from(text, groups, first)
        if last is None:
            first += 1
        else:
            found.append((groups[first][0], groups[last][1]))
            first = last + 1
    return found


def _card_from(text: bytes, groups: list[tuple[int, int]], first: int) -> int | None:
    digits = b""
    for last in range(first, len(groups)):
        if len(digits) + groups[last][1] - groups[last][0] > _LONGEST:
            return None
        digits += text[slice(*groups[last])]
        if is_card(digits):
            return last
    return None


def _ends_in_point(before: bytes) -> bool:
    """Tell whether what follows is the fraction of a decimal number."""
    return len(before) == 2 and before[:1].isdigit() and before[1:] == b"."
