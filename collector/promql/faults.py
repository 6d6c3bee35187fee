"""Where a query is wrong: the position that the parsing library does not tell.

Never parses. The text is cut into tokens, of which a message names one; where it names none, the
end of the longest beginning that could still become a query is meant.
https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from collections.abc import Iterator
from typing import Final

from collector.promql.errors import BadQuery

MOST_TOKENS: Final = 2_000
"""The library recurses over operators and brackets; thousands of them overflow its stack."""
MOST_CHARACTERS: Final = 65_536

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<word>[A-Za-z_][A-Za-z0-9_:.]*)
    |(?P<number>[0-9.][0-9A-Za-z_.]*(?:(?<=[eE])[+-]?[0-9]+)?)
    |(?P<sign>==|!=|=~|!~|<=|>=|[-+*/%^@<>=(){}\[\],:])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED: Final = re.compile(r"'([^']+)'|\"([^\"]+)\"")
_CLOSING: Final = {")": "(", "]": "[", "}": "{"}
_OPERATORS: Final = frozenset(
    ["==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "^", "and", "or", "unless", "atan2"]
)


def check_size(text: str) -> None:
    """Refuse what is too long or too deep to be parsed safely."""
    if len(text) > MOST_CHARACTERS:
        raise BadQuery(f"the query is longer than {MOST_CHARACTERS} characters")
    for number, (start, _) in enumerate(_tokens(text)):
        if number == MOST_TOKENS:
            raise BadQuery(f"{position(text, start)}: the query has more than {number} tokens")


def located(text: str, message: str) -> BadQuery:
    """Put a position before the library's message."""
    return BadQuery(f"{position(text, _start(text, message))}: parse error: {message}")


def position(text: str, start: int) -> str:
    """Return line:column, both from 1."""
    line_start = text.rfind("\n", 0, start) + 1
    return f"{text.count(chr(10), 0, start) + 1}:{start - line_start + 1}"


def _start(text: str, message: str) -> int:
    tokens = list(_tokens(text))
    unfit = _unfit(tokens, len(text))
    if unfit is not None:
        return unfit
    for named in (one[1] or one[2] for one in _QUOTED.finditer(message)):
        for start, token in tokens:
            if token.strip("\"'`") == named:
                return start
    return 0


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    for found in _TOKEN.finditer(text):
        if found.lastgroup != "space":
            yield found.start(), found.group()


def _unfit(tokens: list[tuple[int, str]], end: int) -> int | None:
    """Find the first token that cannot stand where it is, as far as brackets and operators tell."""
    opened: list[str] = []
    before = ""
    for start, token in tokens:
        if token in _CLOSING:
            if not opened or opened.pop() != _CLOSING[token]:
                return start
            if before in _OPERATORS and before not in {"<", ">"}:
                return start
        elif token in _CLOSING.values():
            opened.append(token)
        elif _is_unfit(token, before, opened):
            return start
        before = token
    is_open = bool(opened) or before in _OPERATORS or not tokens
    return end if is_open else None


def _is_unfit(token: str, before: str, opened: list[str]) -> bool:
    if len(token) == 1 and not token.isascii():
        return True
    if "{" in opened or "[" in opened:
        return False
    if token in {"=", "=~", "!~", "$", "?", ";", "!", "&", "|", "~", "\\", '"', "'", "`"}:
        return True
    if token in _OPERATORS - {"+", "-"}:
        return before in _OPERATORS or before in {"", "(", ","}
    is_value = token[0].isalnum() or token[0] in "_.\"'`"
    was_value = before[:1].isdigit() or before[:1] in {'"', "'", "`"} or before in {"]", "}"}
    return is_value and was_value and token not in _FOLLOWING and before not in _OPERATORS


_FOLLOWING: Final = _OPERATORS | {
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
}
