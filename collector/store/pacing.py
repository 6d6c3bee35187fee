"""How long an export waits for company, so that small commits take a small share of the time.

A commit costs milliseconds whatever is in it. At a thousand small exports a second nobody waits; at
ten a second each would be a commit of its own. So the window follows what the last commits took.
"""

from typing import Final

_TIMES: Final = 16
"""A window is so many commits long: they take some 6 % of a processor."""
_MOST_S: Final = 0.1
"""Senders wait for their answer, and a commit may take as long again."""
_WEIGHT: Final = 0.25
"""Of the last commit, among those before."""


class Pace:
    """The window of one queue. ``least_s`` 0: nobody waits at all."""

    def __init__(self, least_s: float) -> None:
        self._least_s, self._took_s = least_s, 0.0

    def took(self, seconds: float) -> None:
        """Note how long a commit took."""
        self._took_s += _WEIGHT * (seconds - self._took_s)

    @property
    def window_s(self) -> float:
        """Seconds from the first export of a group to its end."""
        if not self._least_s:
            return 0.0
        return max(self._least_s, min(_TIMES * self._took_s, _MOST_S))
