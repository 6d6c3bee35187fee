"""JSON values -> the same without secrets: key rules on names, the text cleaner on strings.

A string that is JSON itself is looked into. Numbers can be card numbers. What is nested deeper than
anybody writes by hand is masked whole.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import orjson

from collector.redaction.cards import is_card
from collector.redaction.keys import KeyRules
from collector.redaction.mask import MASK, Mask
from collector.redaction.text import TextCleaner

MAX_DEPTH: Final = 64
_ATTRIBUTES: Final = frozenset({"attributes", "filtered_attributes"})
_IDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_JSON: Final = re.compile(r"\s*[\[{]")


class DocumentCleaner:
    """Masks the secrets of JSON values; what is clean is returned as the same object."""

    def __init__(self, keys: KeyRules, text: TextCleaner, mask: Mask, *, numbers: bool) -> None:
        self._keys, self._text, self._mask, self._numbers = keys, text, mask, numbers

    def clean_json(self, text: str, found: Counter[str], *, is_structure: bool = False) -> str:
        """Clean JSON text; byte for byte the same if it has no secrets. Other text is text.

        ``is_structure``: the outer objects are ours (events, links), and only what they call
        attributes has keys of the sender.
        """
        if not _JSON.match(text):
            return self._text.clean(text, found)
        try:
            before = orjson.loads(text)
        except orjson.JSONDecodeError:
            return self._text.clean(text, found)
        clean = self._structure if is_structure else self._value
        return _text_of(text, before, clean(before, found, MAX_DEPTH))

    def _structure(self, value: Any, found: Counter[str], depth: int) -> Any:
        if isinstance(value, list):
            return _same(value, [self._structure(item, found, depth) for item in value])
        if not isinstance(value, dict):
            return self._value(value, found, depth)
        after = {
            key: item
            if key in _IDS
            else self._value(item, found, depth)
            if key in _ATTRIBUTES or not isinstance(item, (dict, list))
            else self._structure(item, found, depth)
            for key, item in value.items()
        }
        return _same(value, after)

    def _value(self, value: Any, found: Counter[str], depth: int) -> Any:
        if isinstance(value, str):
            return self._string(value, found, depth)
        if depth == 0 and isinstance(value, (dict, list)):
            return self._masked("too_deep", value, found)
        if isinstance(value, dict):
            return self._object(value, found, depth - 1)
        if isinstance(value, list):
            return _same(value, [self._value(item, found, depth - 1) for item in value])
        if self._numbers and _is_card_number(value):
            return self._masked("card", value, found)
        return value

    def _object(self, value: Mapping[str, Any], found: Counter[str], depth: int) -> Any:
        after: dict[str, Any] = {}
        for key, item in value.items():
            kind = self._keys.kind(key)
            if kind is None:
                after[self._string(key, found, depth)] = self._value(item, found, depth)
            else:
                after[self._string(key, found, depth)] = self._masked(kind, item, found)
        return _same(value, after)

    def _string(self, value: str, found: Counter[str], depth: int) -> str:
        if not _JSON.match(value):
            return self._text.clean(value, found)
        try:
            inner = orjson.loads(value)
        except orjson.JSONDecodeError:
            return self._text.clean(value, found)
        return _text_of(value, inner, self._value(inner, found, depth))

    def _masked(self, kind: str, value: Any, found: Counter[str]) -> Any:
        if value in _EMPTY or (isinstance(value, str) and MASK.fullmatch(value.encode())):
            return value
        found[kind] += 1
        secret = value.encode("utf-8", "replace") if isinstance(value, str) else orjson.dumps(value)
        return self._mask(kind, secret).decode()


def _text_of(text: str, before: Any, after: Any) -> str:
    """Return the text as it was unless it changed, or says a name twice and hides the first."""
    if after is before and not _repeats_names(text):
        return text
    return orjson.dumps(after).decode()


def _repeats_names(text: str) -> bool:
    repeated = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated = repeated or len({name for name, _ in pairs}) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=look)
    except (RecursionError, ValueError):
        return True
    return repeated


def _same(before: Any, after: Any) -> Any:
    """Return ``before`` itself when nothing in it changed."""
    if len(before) != len(after):
        return after
    if isinstance(before, list):
        return before if all(map(_is, before, after)) else after
    same = all(map(_is, before.values(), after.values())) and list(before) == list(after)
    return before if same else after


def _is(one: Any, other: Any) -> bool:
    return one is other


def _is_card_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 2**63):
        return False
    return is_card(str(int(value)).encode())
