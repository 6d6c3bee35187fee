"""Bytes written as escapes in a query's strings: together they are UTF-8, as in Go.

Never touches raw strings, nor what is no string. The parsing library takes each byte for a
character of its own. https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
"""

import re
from typing import Final

from collector.promql.errors import BadQuery

_PART: Final = re.compile(
    r"""`[^`]*`|\#[^\n]*                    # raw strings, comments
    |"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""",
    re.VERBOSE,
)
_ESCAPES: Final = re.compile(r"((?:\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2})+)|\\.")
_BYTE: Final = re.compile(r"\\x(..)|\\(...)")


def decoded(text: str) -> str:
    """Write escaped bytes as the characters they mean; BadQuery where they are no UTF-8."""
    if "\\" not in text:
        return text
    return _PART.sub(_string, text)


def _string(found: re.Match[str]) -> str:
    part = found[0]
    return part if part[0] in "`#" else _ESCAPES.sub(_characters, part)


def _characters(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[0]
    values = bytes(
        int(one[1], 16) if one[1] else int(one[2], 8) for one in _BYTE.finditer(found[1])
    )
    if values.isascii():
        return found[0]
    try:
        shown = values.decode()
    except UnicodeDecodeError as error:
        raise BadQuery(f"parse error: {found[0]} is no valid UTF-8") from error
    return "".join(one if one > "\x7f" else f"\\x{ord(one):02x}" for one in shown)
