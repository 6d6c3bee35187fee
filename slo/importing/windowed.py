"""Queries with a window left open, as Sloth writes them, to queries that we count.

``rate`` and ``increase`` over the open window become the counter in them, for we take the increase
ourselves; a sum over time becomes what is summed. The open window is ``{{.window}}``.
"""

import re
from dataclasses import dataclass
from typing import Final

_OPEN: Final = r"\{\{\s*\.\s*window\s*\}\}"
_TEXT: Final = r"""(?:[^()"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')*?"""
_RATE: Final = re.compile(rf"\b(?:rate|increase|irate)\s*\(\s*({_TEXT})\s*\[{_OPEN}\]\s*\)")
_SUMMED: Final = re.compile(rf"\bsum_over_time\s*\((.*?)\[{_OPEN}(?::\w*)?\]\s*\)", re.DOTALL)
_WINDOW: Final = re.compile(_OPEN)
FIXED: Final = "5m"
"""The window of a query that must have one."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A query without an open window; a counter, or a number that goes up and down."""

    query: str
    is_counter: bool


def counted_query(text: str) -> Counted | None:
    """Return what a query counts; None when its window is used for something else."""
    told = " ".join(text.split())
    bare = _RATE.sub(r"\1", told)
    if not _WINDOW.search(bare):
        return Counted(bare, is_counter=True)
    levels = _SUMMED.sub(r"(\1)", told)
    return None if _WINDOW.search(levels) else Counted(levels, is_counter=False)


def fixed(text: str) -> str:
    """Return a query over a window of five minutes."""
    return _WINDOW.sub(FIXED, " ".join(text.split()))
