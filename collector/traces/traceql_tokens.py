"""The tokens of TraceQL: fields, texts, numbers, durations, words and signs, with their positions.

Never knows which of them make sense together.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["field", "text", "number", "duration", "word", "sign", "end"]

_UNITS_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_NAME: Final = r"[^\s{}()=!~<>&|,\"`^]"
_TOKEN: Final = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<text>{_QUOTED}|`[^`]*`)
    | (?P<field>[A-Za-z]*\.(?:{_QUOTED}|{_NAME}+))
    | (?P<duration>-?(?:\d{{1,18}}(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+(?![\w.]))
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<word>[A-Za-z]+(?::[A-Za-z]+)?)
    | (?P<sign>&&|\|\||=~|!~|!=|>>|<<|>=|<=|[{{}}()=<>|,~!+*/^%-])
    """,
    re.VERBOSE,
)
_PIECE: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r"}
_LONGEST: Final = 64 * 1024
_LONGEST_NS: Final = 2**63 - 1
_EXACT: Final = 2.0**53


class BadTraceQl(ValueError):
    """The query cannot be read; ``at`` is the position of the first character at fault, from 1."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(f"TraceQL, at character {at}: {why}")
        self.at = at


@dataclass(frozen=True, slots=True)
class Token:
    """``value`` is what a text, number (float) or duration (ns) stands for, else the text."""

    kind: Kind
    text: str
    value: str | float | bool
    at: int

    @property
    def told(self) -> str:
        """The token in a message."""
        return repr(self.text) if self.text else "the end"


def tokens(text: str) -> list[Token]:
    """Return the tokens and one for the end; raises BadTraceQl."""
    if len(text) > _LONGEST:
        raise BadTraceQl(f"the query is longer than {_LONGEST} characters", _LONGEST)
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadTraceQl(f"cannot read {text[at : at + 10]!r}", at + 1)
        if match.lastgroup != "space":
            found.append(_token(str(match.lastgroup), match[0], at + 1))
        at = match.end()
    return [*found, Token("end", "", "", len(text) + 1)]


def _token(kind: str, text: str, at: int) -> Token:
    match kind:
        case "text":
            return Token("text", text, _unquoted(text), at)
        case "number":
            number = float(text)
            is_whole = abs(number) < _EXACT and number.is_integer()
            return Token("number", text, int(number) if is_whole else number, at)
        case "duration":
            sign = -1 if text.startswith("-") else 1
            pieces = _PIECE.findall(text)
            total = sum(float(number) * _UNITS_NS[unit] for number, unit in pieces)
            return Token("duration", text, sign * min(round(total), _LONGEST_NS), at)
        case "field":
            scope, _, key = text.partition(".")
            name = f"{scope}.{_unquoted(key) if key.startswith(chr(34)) else key}"
            return Token("field", name, name, at)
        case "word":
            truth: str | bool = text == "true" if text in {"true", "false"} else text
            return Token("word", text, truth, at)
        case _:
            return Token("sign", text, text, at)


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1]
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text[1:-1])
