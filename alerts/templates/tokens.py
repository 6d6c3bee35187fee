"""The text of a template -> pieces of text and actions, an action -> tokens.

Never knows a grammar. ``{{-`` and ``-}}`` trim the text beside them; comments vanish.
https://pkg.go.dev/text/template#hdr-Text_and_spaces
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import orjson

from alerts.templates.values import BadTemplate

Kind = Literal["space", "string", "number", "field", "variable", "word", "sign"]
_SPACE: Final = " \t\r\n"
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)+')
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))
    |(?P<field>(?:\.\w+)+|\.)
    |(?P<variable>\$\w*(?:\.\w+)*)
    |(?P<word>[^\W\d]\w*(?:\.\w+)*)
    |(?P<sign>:=|[()|,=])""",
    re.VERBOSE,
)
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an action, at a line of the template."""

    kind: Kind
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Action:
    """What stands between ``{{`` and ``}}``."""

    tokens: tuple[Token, ...]
    line: int


def pieces(text: str) -> Iterator[str | Action]:
    """Give text and actions in turn; raise BadTemplate."""
    position, is_trimmed = 0, False
    while (start := text.find("{{", position)) >= 0:
        before = text[position:start]
        inner = start + 2
        has_left = text[inner : inner + 1] == "-" and text[inner + 1 : inner + 2] in _trimming()
        inner += has_left
        before = before.lstrip(_SPACE) if is_trimmed else before
        yield before.rstrip(_SPACE) if has_left else before
        line = text.count("\n", 0, start) + 1
        tokens, position, is_trimmed = _action(text, inner, line)
        if tokens is not None:
            yield Action(tokens, line)
    rest = text[position:]
    yield rest.lstrip(_SPACE) if is_trimmed else rest


def unquoted(text: str) -> str:
    """Return what a Go string or raw string means."""
    if text.startswith("`"):
        return text[1:-1]
    return _ESCAPE.sub(_unescaped, text[1:-1])


def quoted(text: str) -> str:
    """Return a Go string of a text."""
    return orjson.dumps(text).decode()


def _trimming() -> tuple[str, ...]:
    return tuple(_SPACE)


def _action(text: str, inner: int, line: int) -> tuple[tuple[Token, ...] | None, int, bool]:
    """Read an action or a comment; return its tokens, where it ends, whether it trims."""
    stripped = inner + len(text[inner:]) - len(text[inner:].lstrip(_SPACE))
    if text.startswith("/*", stripped):
        return None, *_comment(text, stripped, line)
    found: list[Token] = []
    position = inner
    while True:
        if text.startswith("}}", position):
            return tuple(found), position + 2, False
        if text.startswith("-}}", position) and text[position - 1] in _SPACE:
            return tuple(found), position + 3, True
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadTemplate(f"{line}: {_wrong(text, position)}")
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        found.append(Token(kind, match[0], line + text.count("\n", inner, position)))
        position = match.end()


def _comment(text: str, start: int, line: int) -> tuple[int, bool]:
    end = text.find("*/", start)
    if end < 0:
        raise BadTemplate(f"{line}: unclosed comment")
    for close, is_trimming in (("}}", False), (" -}}", True)):
        if text.startswith(close, end + 2):
            return end + 2 + len(close), is_trimming
    raise BadTemplate(f"{line}: comment ends before closing delimiter")


def _wrong(text: str, position: int) -> str:
    if position >= len(text):
        return "unclosed action"
    if text[position] in "\"'":
        return "unterminated quoted string"
    return f"unexpected {quoted(text[position])} in command"


def _unescaped(match: re.Match[str]) -> str:
    byte, short, long, octal, plain = match.groups()
    if plain is not None:
        return _ESCAPES.get(plain, plain)
    return chr(int(octal, 8)) if octal else chr(int(byte or short or long, 16))
