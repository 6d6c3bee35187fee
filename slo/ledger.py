"""The ledger of corrections on disk: read anew when it changes, only ever appended to.

People may also edit the file, in review; what cannot be read is refused with file and line.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from slo.corrections import (
    Correction,
    Withdrawal,
    added_text,
    next_id,
    parse_ledger,
    withdrawn_text,
)

_LIMIT: Final = 10_000
"""More entries than this are a mistake, and would make every answer slow."""


class LedgerRefused(ValueError):
    """The entry cannot be made; the message says why."""


@dataclass(slots=True)
class Ledger:
    """The corrections of one file; a file that is not there yet has none."""

    path: Path
    _lock: Lock = field(default_factory=Lock)
    _seen: tuple[int, int] | None = None
    _read: tuple[Correction, ...] = ()

    def corrections(self) -> tuple[Correction, ...]:
        """Return all that were ever made, withdrawn ones too; raises OpenSloError."""
        with self._lock:
            return self._now()

    def add(
        self, objectives: Sequence[str], from_s: int, to_s: int, *, by: str, why: str, now_s: int
    ) -> Correction:
        """Add a correction and return it; raises LedgerRefused."""
        with self._lock:
            found = self._now()
            if len(found) >= _LIMIT:
                raise LedgerRefused(f"the ledger holds {_LIMIT} corrections already")
            try:
                one = Correction(
                    next_id(found, now_s), tuple(objectives), from_s, to_s, by, why, now_s
                )
            except ValueError as error:
                raise LedgerRefused(str(error)) from error
            self._append(added_text(one))
            return one

    def withdraw(self, id_: str, *, by: str, why: str, now_s: int) -> Correction:
        """Take a correction back, which stays in the ledger; raises LedgerRefused."""
        with self._lock:
            one = next((one for one in self._now() if one.id == id_), None)
            if one is None:
                raise LedgerRefused(f"no correction has the id {id_!r}")
            if one.withdrawn is not None:
                raise LedgerRefused(f"{id_} was withdrawn by {one.withdrawn.by} before")
            if not by.strip() or not why.strip():
                raise LedgerRefused("a withdrawal must say who made it (by) and why")
            if not (by + why).isprintable():
                raise LedgerRefused("a withdrawal must be told in one printable line")
            self._append(withdrawn_text(id_, Withdrawal(by, why, now_s)))
            return next(one for one in self._now() if one.id == id_)

    def _now(self) -> tuple[Correction, ...]:
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return ()
        seen = (state.st_mtime_ns, state.st_size)
        if seen != self._seen:
            self._read = parse_ledger(self.path.read_text(encoding="utf-8"), str(self.path))
            self._seen = seen
        return self._read

    def _append(self, text: str) -> None:
        """Write an entry whole and make it durable before anybody is told."""
        old = self.path.read_bytes() if self.path.exists() else b""
        glue = b"" if not old or old.endswith(b"\n") else b"\n"
        with self.path.open("ab") as file:
            file.write(glue + text.encode())
            file.flush()
            os.fsync(file.fileno())
