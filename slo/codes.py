"""Sets of response codes: classes such as ``5xx``, single codes such as ``429``, and ``none``.

``none`` is a request without any response, code 0 in the data. Never counts. The default meaning of
an error is another's: ``collector.edges.is_error``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

NONE: Final = "none"
_CLASS: Final = re.compile(r"[1-5]xx")
_CODE: Final = re.compile(r"[1-5]\d\d")


@dataclass(frozen=True, slots=True)
class Codes:
    """Words in the order of the alphabet, each once; or every code but those."""

    words: tuple[str, ...]
    is_inverse: bool = False

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """Make a set, of all but some codes when each word begins with ``!``.

        A ValueError names a word that is none.
        """
        found = sorted(set(words))
        is_inverse = bool(found) and all(word.startswith("!") for word in found)
        found = [word.removeprefix("!") for word in found] if is_inverse else found
        for word in found:
            if word != NONE and not _CLASS.fullmatch(word) and not _CODE.fullmatch(word):
                raise ValueError(f"must be a class (5xx), a code (429) or none, got {word!r}")
        if not found:
            raise ValueError("must name at least one class, code or none")
        return cls(tuple(found), is_inverse)

    def hold(self, code: int) -> bool:
        """Tell whether a code is in the set."""
        names = {NONE if code == 0 else str(code), f"{code // 100}xx"}
        return bool(names & set(self.words)) != self.is_inverse

    def rest(self) -> "Codes":
        """Return all codes that are not in the set."""
        return Codes(self.words, not self.is_inverse)


ERRORS: Final = Codes.of(("5xx", NONE))
"""What fails when nothing else is said: the words of ``collector.edges.is_error``."""
EVERY: Final = Codes.of(("1xx", "2xx", "3xx", "4xx", "5xx", NONE))
