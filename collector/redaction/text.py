"""One value -> the same value with masks where secrets were.

Repeats until nothing is found, so that doing it twice is doing it once. A text that does not come
to rest is masked whole.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from collector.redaction.expressions import HintSet
from collector.redaction.mask import MASK, Mask
from collector.redaction.patterns import Pattern, Span

_ROUNDS: Final = 6
_SHORTEST: Final = 6
"""No kind of secret is shorter, with what it is told by."""

_REMEMBERED: Final = 8192
_REMEMBERED_CHARS: Final = 80


class TextCleaner:
    """Masks the secrets of a text; remembers short clean ones, which come again and again."""

    def __init__(self, patterns: Sequence[Pattern], mask: Mask) -> None:
        self._patterns, self._mask = patterns, mask
        self._hints = HintSet(pattern.hint for pattern in patterns)
        self._clean: set[str] = set()

    def clean(self, text: str, found: Counter[str]) -> str:
        """Return the text without secrets, the same object if it has none; count them by kind."""
        if len(text) < _SHORTEST or text in self._clean:
            return text
        before = text.encode("utf-8", "surrogatepass")
        after = self._settle(before, found)
        if after != before:
            return after.decode("utf-8", "replace")
        if len(text) <= _REMEMBERED_CHARS:
            if len(self._clean) >= _REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return text

    def _settle(self, text: bytes, found: Counter[str]) -> bytes:
        for _ in range(_ROUNDS):
            after = text
            for place in self._hints.match(text):
                pattern = self._patterns[place]
                spans = _outside_masks(after, pattern.find(after))
                if spans:
                    found[pattern.kind] += len(spans)
                    after = self._replace(after, pattern.kind, spans)
            if after == text:
                return text
            text = after
        found["text"] += 1
        return self._mask("text", text)

    def _replace(self, text: bytes, kind: str, spans: Sequence[Span]) -> bytes:
        parts: list[bytes] = []
        end = 0
        for start, stop in spans:
            parts += (text[end:start], self._mask(kind, text[start:stop]))
            end = stop
        return b"".join((*parts, text[end:]))


def _outside_masks(text: bytes, spans: list[Span]) -> list[Span]:
    """Leave out what lies within a mask: a mask is no secret."""
    if not spans or b"[redacted:" not in text:
        return spans
    masks = [match.span() for match in MASK.finditer(text)]
    return [
        (start, end)
        for start, end in spans
        if not any(first <= start and end <= last for first, last in masks)
    ]
