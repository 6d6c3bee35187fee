"""When a group is due: every interval, at a place in it that is that of its file.

So that files spread over the interval, and each is evaluated at the same times after a restart.
The groups of a file are due together (in Prometheus each has a place of its own): they may read
what others of them recorded, and share what they read. Pure.
"""

import hashlib
from typing import Final

from alerts.evaluation.definitions import Group

_BYTES: Final = 8


def slot_ms(group: Group) -> int:
    """Return the place of a group in its interval, in [0, interval)."""
    digest = hashlib.blake2b(group.file.encode(), digest_size=_BYTES).digest()
    return int.from_bytes(digest) % group.interval_ms


def due_after(group: Group, now_ms: int) -> int:
    """Return the first time after now at which a group is due."""
    offset = slot_ms(group)
    return (now_ms - offset) // group.interval_ms * group.interval_ms + offset + group.interval_ms


def next_due(due_ms: int, interval_ms: int, now_ms: int) -> tuple[int, int]:
    """Return the next time after an evaluation that was due, and how many were missed by now."""
    missed = max((now_ms - due_ms) // interval_ms - 1, 0)
    return due_ms + (missed + 1) * interval_ms, missed
