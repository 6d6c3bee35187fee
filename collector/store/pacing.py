"""How long an export waits for company, so that small commits take a small share of the time.

A commit costs milliseconds whatever is in it. At a thousand small exports a second nobody waits; at
ten a second each would be a commit of its own. So the window follows what the last commits took.
But who sends one export after the other has no company to wait for: when nobody came in the last
windows they are short, and only now and then one is long again.
"""

from typing import Final

_TIMES: Final = 16
"""A window is so many commits long: they take some 6 % of a processor."""
_MOST_S: Final = 0.1
"""Senders wait for their answer, and a commit may take as long again."""
_WEIGHT: Final = 0.25
"""Of the last commit, among those before."""
_ALONE: Final = 4
"""After so many exports that were alone, windows are short."""
_TRY_AGAIN: Final = 64


class Pace:
    """The window of one queue. ``least_s`` 0: nobody waits at all."""

    def __init__(self, least_s: float) -> None:
        self._least_s, self._took_s, self._alone = least_s, 0.0, 0

    def took(self, seconds: float, requests: int) -> None:
        """Note how long a commit took, and of how many requests it was."""
        self._took_s += _WEIGHT * (seconds - self._took_s)
        self._alone = 0 if requests > 1 else (self._alone + 1) % _TRY_AGAIN

    @property
    def window_s(self) -> float:
        """Seconds from the first export of a group to its end."""
        if not self._least_s or self._alone >= _ALONE:
            return self._least_s
        return max(self._least_s, min(_TIMES * self._took_s, _MOST_S))
